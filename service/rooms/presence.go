package rooms

import (
	"context"
	"time"
)

const (
	// presenceTick is the time between two presence messages of a room. Many
	// joins in a big room cause one message per tick, and not one per join for
	// every member.
	presenceTick = 250 * time.Millisecond
	// repeat is the time after which a worker sends its numbers of members to the
	// other workers again.
	repeat = stale / 3
)

// runPresence sends the number of members to rooms in which it has changed.
func (h *Hub) runPresence(ctx context.Context) error {
	tick := time.NewTicker(presenceTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			h.sendPresence(now) //nolint:contextcheck // messages are written in their clients' own time
		}
	}
}

func (h *Hub) sendPresence(now time.Time) {
	shared := h.shared()
	type update struct {
		room    string
		payload []byte
		members []*client
	}
	var all []update
	h.mu.Lock()
	for name, r := range h.rooms {
		if h.bus != nil && (r.changed || now.Sub(r.published) >= repeat) {
			h.bus.publish(name, envelope{Kind: kindPresence, Members: len(r.members)})
			r.published = now
		}
		r.changed = false
		if p := (presence{Members: r.total(now), Shared: shared}); p != r.announced {
			r.announced = p
			all = append(all, update{name, encode(Presence{Type: "presence", Room: name, presence: p}), r.list()})
		}
	}
	h.mu.Unlock()
	for _, n := range all {
		h.sendAll(n.payload, n.members)
	}
}

// receive handles a message from another worker.
func (h *Hub) receive(room string, e envelope) {
	if e.Origin == h.origin {
		return
	}
	if e.Kind == kindMessage {
		h.deliver(room, e.Payload)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[room]
	if r == nil {
		return
	}
	if e.Members == 0 {
		delete(r.remote, e.Origin)
	} else {
		if r.remote == nil {
			r.remote = make(map[string]remoteMembers)
		}
		r.remote[e.Origin] = remoteMembers{members: e.Members, at: time.Now()}
	}
	if e.Ask {
		r.changed = true // the next tick sends this worker's number
	}
}

// followed requests the numbers of members from the other workers. It runs once
// this worker receives the room's messages, so that it gets the answers.
func (h *Hub) followed(room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.rooms[room]; r != nil {
		h.bus.publish(room, envelope{Kind: kindPresence, Members: len(r.members), Ask: true})
	}
}

// forgetRemote removes the numbers of other workers, because their messages no longer
// arrive.
func (h *Hub) forgetRemote() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.rooms {
		r.remote = nil
	}
}
