package loadgen

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// rooms runs all WebSocket clients and records their messages.
type rooms struct {
	options Sockets
	target  target
	runID   string
	start   time.Time
	client  *http.Client
	// closed is called for each connection that the service closes.
	closed func(code int)

	ending  chan struct{} // closed: send no more
	leaving chan struct{} // closed: send the closing frame

	mu         sync.Mutex
	quiet      bool // the load is ending: nothing is sent any more
	over       bool // the load has ended: nothing counts any more
	count      SocketCounters
	deliveries []*deliveries
	delivery   histogram
	reconnects histogram
	releases   answered
	workers    answered
	away       uint64
}

func newRooms(o Sockets, where target, runID string, start time.Time) *rooms {
	r := &rooms{
		options: o, target: where, runID: runID, start: start,
		ending: make(chan struct{}), leaving: make(chan struct{}),
		count: newSocketCounters(), releases: answered{}, workers: answered{},
	}
	// Each handshake has its own connection, so that nothing is retried, and
	// uses no proxy.
	r.client = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return r.target.dial(ctx)
		},
	}}
	for range o.Rooms {
		r.deliveries = append(r.deliveries, newDeliveries(o, &r.count, &r.delivery))
	}
	return r
}

// closeTime is the limit for the closing handshakes at the end.
const closeTime = 6 * time.Second

// run keeps all clients in their rooms until ctx ends, waits for the messages
// in flight and then closes all connections.
func (r *rooms) run(ctx context.Context) error {
	// Connections outlive ctx: the end of the load must not look like a loss.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()

	var running errgroup.Group
	clients := make([]*wsClient, 0, r.options.Rooms*r.options.ClientsPerRoom)
	for room := range r.options.Rooms {
		for slot := range r.options.ClientsPerRoom {
			m := newClient(r, room, slot)
			clients = append(clients, m)
			running.Go(func() error { return m.run(life) })
		}
	}

	r.settleLoop(ctx)
	r.countAway(clients)
	close(r.leaving)
	late := time.AfterFunc(closeTime, cancel)
	defer late.Stop()
	if err := running.Wait(); err != nil {
		return fmt.Errorf("websocket clients: %w", err)
	}
	return nil
}

// settleLoop settles old messages until ctx ends, and then until no message is in
// flight.
func (r *rooms) settleLoop(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		r.settle(time.Now())
	}
	r.stopSending()
	for r.settle(time.Now()) > 0 { // ends after Sockets.Grace at the latest
		<-tick.C
	}
}

// stopSending stops the sending of messages.
func (r *rooms) stopSending() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.quiet = true
	close(r.ending)
}

// settle finishes old messages and returns the number of outstanding receipts.
func (r *rooms) settle(now time.Time) (open int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.deliveries {
		open += l.settled(now)
	}
	return open
}

// countAway counts the clients that are away at the end. Later events are not
// counted.
func (r *rooms) countAway(clients []*wsClient) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	now := time.Now()
	for _, m := range clients {
		if r.deliveries[m.room].slots[m.slot].joined {
			continue
		}
		r.away++
		if !m.lostAt.IsZero() {
			r.recordReconnect(now.Sub(m.lostAt))
		}
	}
}

// sent records that a client is about to send its next message. It returns
// false if the client must not send any more.
func (r *rooms) sent(m *wsClient) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.quiet {
		return false
	}
	m.number++
	r.deliveries[m.room].sent(m.slot, m.number, time.Now())
	return true
}

// recordReconnect records how long a client was away. The caller holds the lock.
func (r *rooms) recordReconnect(after time.Duration) {
	r.reconnects.add(after)
	r.count.LongestReconnect = max(r.count.LongestReconnect, milliseconds(after))
}

// url returns the URL of a room.
func (r *rooms) url(room int) string {
	u := url.URL{Scheme: "ws", Host: r.target.address, Path: r.options.Path}
	u.RawQuery = url.Values{"room": {fmt.Sprintf("%s-%d", r.options.RoomPrefix, room)}}.Encode()
	return u.String()
}

func (r *rooms) counters() (SocketCounters, histogram) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count.clone(), r.reconnects
}

func (r *rooms) result() *SocketResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &SocketResult{
		SocketCounters: r.count.clone(),
		Clients:        r.options.Rooms * r.options.ClientsPerRoom,
		Away:           r.away,
		Delivery:       r.delivery.latency(),
		Reconnect:      r.reconnects.latency(),
		Releases:       r.releases.values(),
		Workers:        r.workers.values(),
	}
}
