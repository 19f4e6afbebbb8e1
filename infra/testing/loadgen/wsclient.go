package loadgen

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

// wsClient is one WebSocket client. It reconnects whenever its connection ends.
type wsClient struct {
	rooms  *rooms
	room   int
	slot   int
	number uint64 // number of the last message, over all connections
	probes uint64

	// rooms.mu guards these fields.
	lostAt time.Time     // when the connection ended; zero while in the room
	joined chan struct{} // closed once this connection has received its probe
}

func newClient(r *rooms, room, slot int) *wsClient {
	return &wsClient{rooms: r, room: room, slot: slot}
}

const (
	firstPause = 50 * time.Millisecond // before the second attempt to connect
	lastPause  = time.Second
	probeEvery = 250 * time.Millisecond
)

// run connects and reconnects until the load ends.
func (c *wsClient) run(ctx context.Context) error {
	pause := firstPause
	for {
		wait := time.Duration(0)
		conn, err := c.dial(ctx)
		if err == nil && c.session(ctx, conn) {
			pause = firstPause
		} else {
			// The jitter spreads the reconnects of the clients.
			wait = pause/2 + rand.N(pause/2)
			pause = min(2*pause, lastPause)
		}
		select {
		case <-c.rooms.leaving:
			return nil
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// dial opens a new connection for each attempt, so that no library can silently
// retry.
func (c *wsClient) dial(ctx context.Context) (*websocket.Conn, error) {
	r := c.rooms
	ctx, cancel := context.WithTimeout(ctx, r.options.Handshake)
	defer cancel()
	conn, answer, err := websocket.Dial(ctx, r.url(c.room), &websocket.DialOptions{ //nolint:bodyclose // the library says never to
		HTTPClient: r.client,
		HTTPHeader: r.options.Header,
		Host:       r.target.host,
	})

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		if err == nil {
			_ = conn.CloseNow() // the connection is not used
			err = context.Canceled
		}
		return nil, err
	}
	r.count.Dials++
	if err != nil {
		kind := string(kindOf(err))
		if answer != nil {
			kind = fmt.Sprintf("status %d", answer.StatusCode)
		}
		r.count.DialFailures[kind]++
		return nil, fmt.Errorf("websocket handshake: %w", err)
	}
	at := time.Since(r.start)
	r.releases.add(answer.Header.Get("X-Release"), true, at)
	r.workers.add(answer.Header.Get("X-Worker"), true, at)
	c.joined = make(chan struct{})
	return conn, nil
}

// session runs for the life of one connection and reports whether the client
// joined its room.
func (c *wsClient) session(ctx context.Context, conn *websocket.Conn) bool {
	defer func() { _ = conn.CloseNow() }() // closed already, or no closing handshake is possible
	joined := c.joined
	talking, cancel := context.WithCancel(ctx)
	var talk errgroup.Group
	talk.Go(func() error { return c.talk(talking, conn, joined) })

	// Only the reading side knows how a connection ended. The writing side may
	// see a broken pipe while the close frame is still unread.
	err := c.listen(ctx, conn)
	cancel()
	_ = talk.Wait() // its error only follows from the first one
	c.ended(err)
	select {
	case <-joined:
		return true
	default:
		return false
	}
}

// ended records how the connection ended.
func (c *wsClient) ended(err error) {
	r := c.rooms
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	now := time.Now()
	r.deliveries[c.room].leave(c.slot, now)
	if c.lostAt.IsZero() {
		c.lostAt = now
	}
	code := websocket.CloseStatus(err)
	if code == -1 {
		code = websocket.StatusAbnormalClosure
		if errors.Is(err, context.DeadlineExceeded) {
			r.count.Stalled++
		}
	}
	r.count.Closes[int(code)]++
	r.closed(int(code))
	if code != websocket.StatusNormalClosure && code != websocket.StatusGoingAway {
		r.count.Unclean++
	}
}

// listen reads until the connection ends. It always returns an error.
func (c *wsClient) listen(ctx context.Context, conn *websocket.Conn) error {
	for {
		reading, cancel := context.WithTimeout(ctx, c.rooms.options.Stall)
		_, data, err := conn.Read(reading)
		cancel()
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if t, ok := decode(c.rooms.runID, data); ok {
			c.record(t)
		}
	}
}

// record records a received text.
func (c *wsClient) record(t text) {
	r := c.rooms
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.over {
		return
	}
	l := r.deliveries[c.room]
	if !t.probe {
		if t.client >= 0 && t.client < len(l.slots) {
			l.receive(c.slot, t.client, t.number, now)
		}
		return
	}
	if t.client != c.slot || l.slots[c.slot].joined {
		return
	}
	l.join(c.slot)
	close(c.joined)
	if !c.lostAt.IsZero() {
		r.count.Reconnects++
		r.recordReconnect(now.Sub(c.lostAt))
		c.lostAt = time.Time{}
	}
}

// talk joins the room, then sends messages. At the end of the load it closes
// the connection and returns nil.
func (c *wsClient) talk(ctx context.Context, conn *websocket.Conn, joined <-chan struct{}) error {
	if err := c.probe(ctx, conn, joined); err != nil {
		return err
	}
	tick := time.NewTicker(c.rooms.options.SendEvery)
	defer tick.Stop()
	ticks := tick.C
	ending := c.rooms.ending
	for {
		select {
		case <-ctx.Done():
			return nil // listen has the error
		case <-ending:
			ticks, ending = nil, nil
		case <-c.rooms.leaving:
			return c.goodBye(conn)
		case <-ticks:
			if !c.rooms.sent(c) {
				continue
			}
			if err := c.write(ctx, conn, text{client: c.slot, number: c.number}); err != nil {
				return err
			}
		}
	}
}

// probe sends probes until one comes back. Only then is the client known to be
// in the room.
func (c *wsClient) probe(ctx context.Context, conn *websocket.Conn, joined <-chan struct{}) error {
	for {
		c.probes++
		if err := c.write(ctx, conn, text{probe: true, client: c.slot, number: c.probes}); err != nil {
			return err
		}
		select {
		case <-joined:
			return nil
		case <-ctx.Done():
			return nil
		case <-c.rooms.leaving:
			return nil // talk closes the connection
		case <-time.After(probeEvery):
		}
	}
}

func (c *wsClient) write(ctx context.Context, conn *websocket.Conn, t text) error {
	ctx, cancel := context.WithTimeout(ctx, c.rooms.options.Handshake)
	defer cancel()
	s := t.encode(c.rooms.runID)
	if c.rooms.options.Wrap != nil {
		s = c.rooms.options.Wrap(s)
	}
	if err := conn.Write(ctx, websocket.MessageText, []byte(s)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// goodBye closes the connection with a closing handshake.
func (c *wsClient) goodBye(conn *websocket.Conn) error {
	if err := conn.Close(websocket.StatusNormalClosure, "load ended"); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
