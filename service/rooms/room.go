package rooms

import "time"

// stale is when another worker's count of members is no longer believed; they
// repeat it every third of that.
const stale = 30 * time.Second

// room is one room as this worker sees it. The hub's lock guards it.
type room struct {
	members map[*client]struct{}
	// elsewhere is how many members other workers have, by their origin.
	elsewhere map[string]seen
	// changed asks for the members to be told how many they are.
	changed bool
	// told is what they were told last, and published what other workers were.
	told      presence
	published time.Time
}

type seen struct {
	members int
	at      time.Time
}

func newRoom() *room {
	return &room{members: make(map[*client]struct{})}
}

// total is how many members the room has, on all workers that were heard of
// lately.
func (r *room) total(now time.Time) int {
	n := len(r.members)
	for origin, s := range r.elsewhere {
		if now.Sub(s.at) > stale {
			delete(r.elsewhere, origin)
			continue
		}
		n += s.members
	}
	return n
}

func (r *room) list() []*client {
	out := make([]*client, 0, len(r.members))
	for c := range r.members {
		out = append(out, c)
	}
	return out
}
