// Package rooms implements chat rooms over WebSockets. Every member of a room
// gets every message in it, on every worker, machine and pod. Redis pub/sub
// carries messages between workers, so no proxy has to keep a client on one
// worker. Without Redis, or while it is down, messages reach only the clients
// of the same worker, and Presence.Shared is false.
package rooms

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// Hub holds the rooms of one worker.
type Hub struct {
	o      Options
	origin string
	bus    *bus
	counts *counts
	joined atomic.Uint32
	// warned is the time of the last log line about a refused page, in Unix
	// nanoseconds.
	warned atomic.Int64
	// waiting counts the bytes that wait for clients. reading counts the bytes
	// of messages that are being read from clients; its limit is readable.
	waiting  budget
	reading  *semaphore.Weighted
	readable int64

	mu      sync.Mutex
	rooms   map[string]*room
	clients map[*client]struct{}
	closing bool
}

// New returns a hub that serves at once. Run connects it to other workers.
func New(o Options) *Hub {
	h := &Hub{
		o:       o,
		origin:  rand.Text(),
		rooms:   make(map[string]*room),
		clients: make(map[*client]struct{}),
	}
	h.waiting.limit, h.readable = int64(o.QueuesBytes), int64(o.QueuesBytes)/4
	h.reading = semaphore.NewWeighted(h.readable)
	h.counts = newCounts(o.Metrics, h)
	if o.Redis != nil {
		h.bus = newBus(o.Redis, o.Prefix+"room:", h, o.Log)
	}
	return h
}

// Run pings clients, sends presence to rooms, and receives messages from other
// workers, until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return h.pingAll(ctx) })
	group.Go(func() error { return h.runPresence(ctx) })
	if h.bus != nil {
		group.Go(func() error { return h.bus.run(ctx) })
	}
	return group.Wait()
}

// Open returns the number of open WebSockets of this worker.
func (h *Hub) Open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients)
}

// shared reports whether messages reach other workers.
func (h *Hub) shared() bool { return h.bus != nil && h.bus.up.Load() }

// localOnly returns a metric. It is 1 while rooms should be shared but are not.
func (h *Hub) localOnly() float64 {
	if h.bus != nil && !h.bus.up.Load() {
		return 1
	}
	return 0
}

// join adds a client to its room. ok is false once the hub is closing.
func (h *Hub) join(c *client) (members int, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing || len(h.clients) >= h.o.MaxClients {
		return 0, false
	}
	r := h.rooms[c.room]
	if r == nil {
		r = newRoom()
		h.rooms[c.room] = r
		if h.bus != nil {
			h.bus.follow(c.room)
		}
	}
	r.members[c] = struct{}{}
	r.changed = true
	h.clients[c] = struct{}{}
	return r.total(time.Now()), true
}

// leave removes a client from its room.
func (h *Hub) leave(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.clients[c]; !ok {
		return
	}
	delete(h.clients, c)
	r := h.rooms[c.room]
	delete(r.members, c)
	r.changed = true
	if len(r.members) > 0 {
		return
	}
	delete(h.rooms, c.room)
	if h.bus != nil {
		h.bus.publish(c.room, envelope{Kind: kindPresence})
		h.bus.unfollow(c.room)
	}
}

// broadcast delivers a client's message to its room, on this and on other workers.
func (h *Hub) broadcast(room string, payload []byte) {
	h.deliver(room, payload)
	if h.bus != nil {
		h.bus.publish(room, envelope{Kind: kindMessage, Payload: payload})
	}
}

// deliver queues a message for every client of this worker in the room.
func (h *Hub) deliver(room string, payload []byte) {
	h.mu.Lock()
	r := h.rooms[room]
	var members []*client
	if r != nil {
		members = r.list()
	}
	h.mu.Unlock()
	h.sendAll(payload, members)
}
