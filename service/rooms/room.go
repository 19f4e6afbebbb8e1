package rooms

import "time"

// stale is the time after which another worker's number of members is no longer
// valid. Workers repeat it every third of that time.
const stale = 30 * time.Second

// room is this worker's view of a room. The hub's lock guards it.
type room struct {
	members map[*client]struct{}
	// remote maps each other worker to its number of members.
	remote map[string]remoteMembers
	// changed requests a message to the members about their number.
	changed bool
	// announced is the last presence that the members got. published is the time of
	// the last number that other workers got.
	announced presence
	published time.Time
}

type remoteMembers struct {
	members int
	at      time.Time
}

func newRoom() *room {
	return &room{members: make(map[*client]struct{})}
}

// total returns the number of members on all workers with a recent report.
func (r *room) total(now time.Time) int {
	n := len(r.members)
	for origin, s := range r.remote {
		if now.Sub(s.at) > stale {
			delete(r.remote, origin)
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
