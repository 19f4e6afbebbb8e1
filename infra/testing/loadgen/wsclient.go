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

// wsClient is one WebSocket client. It comes back whenever its connection ends.
type wsClient struct {
	rooms  *rooms
	room   int
	slot   int
	number uint64 // of the last message, over all connections
	probes uint64

	// Guarded by rooms.mu.
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
func (m *wsClient) run(ctx context.Context) error {
	pause := firstPause
	for {
		wait := time.Duration(0)
		conn, err := m.dial(ctx)
		if err == nil && m.session(ctx, conn) {
			pause = firstPause
		} else {
			// The jitter keeps clients apart.
			wait = pause/2 + rand.N(pause/2)
			pause = min(2*pause, lastPause)
		}
		select {
		case <-m.rooms.leaving:
			return nil
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// dial opens a connection of its own for each attempt: nothing can be retried
// behind our back.
func (m *wsClient) dial(ctx context.Context) (*websocket.Conn, error) {
	r := m.rooms
	ctx, cancel := context.WithTimeout(ctx, r.options.Handshake)
	defer cancel()
	conn, answer, err := websocket.Dial(ctx, r.url(m.room), &websocket.DialOptions{ //nolint:bodyclose // the library says never to
		HTTPClient: r.client,
		HTTPHeader: r.options.Header,
		Host:       r.target.host,
	})

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		if err == nil {
			_ = conn.CloseNow() // nobody will use it
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
	m.joined = make(chan struct{})
	return conn, nil
}

// session lives as long as one connection and says whether the client got into
// its room.
func (m *wsClient) session(ctx context.Context, conn *websocket.Conn) bool {
	defer func() { _ = conn.CloseNow() }() // closed by now, or beyond politeness
	joined := m.joined
	talking, cancel := context.WithCancel(ctx)
	var talk errgroup.Group
	talk.Go(func() error { return m.talk(talking, conn, joined) })

	// Only the reading side knows how a connection ended. The writing side may
	// see a broken pipe while the close frame is still waiting to be read.
	err := m.listen(ctx, conn)
	cancel()
	_ = talk.Wait() // its error is a consequence
	m.ended(err)
	select {
	case <-joined:
		return true
	default:
		return false
	}
}

// ended notes how the connection ended.
func (m *wsClient) ended(err error) {
	r := m.rooms
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	now := time.Now()
	r.deliveries[m.room].leave(m.slot, now)
	if m.lostAt.IsZero() {
		m.lostAt = now
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

// listen reads until the connection ends; it always returns an error.
func (m *wsClient) listen(ctx context.Context, conn *websocket.Conn) error {
	for {
		reading, cancel := context.WithTimeout(ctx, m.rooms.options.Stall)
		_, data, err := conn.Read(reading)
		cancel()
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if t, ok := decode(m.rooms.runID, data); ok {
			m.heard(t)
		}
	}
}

// heard notes a text that came.
func (m *wsClient) heard(t text) {
	r := m.rooms
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.over {
		return
	}
	l := r.deliveries[m.room]
	if !t.probe {
		if t.client >= 0 && t.client < len(l.slots) {
			l.receive(m.slot, t.client, t.number, now)
		}
		return
	}
	if t.client != m.slot || l.slots[m.slot].joined {
		return
	}
	l.join(m.slot)
	close(m.joined)
	if !m.lostAt.IsZero() {
		r.count.Reconnects++
		r.cameBack(now.Sub(m.lostAt))
		m.lostAt = time.Time{}
	}
}

// talk asks for the way into the room, then sends messages. It returns nil when
// the load ends, after it has closed the connection.
func (m *wsClient) talk(ctx context.Context, conn *websocket.Conn, joined <-chan struct{}) error {
	if err := m.knock(ctx, conn, joined); err != nil {
		return err
	}
	tick := time.NewTicker(m.rooms.options.SendEvery)
	defer tick.Stop()
	ticks := tick.C
	ending := m.rooms.ending
	for {
		select {
		case <-ctx.Done():
			return nil // listen knows why
		case <-ending:
			ticks, ending = nil, nil
		case <-m.rooms.leaving:
			return m.goodBye(conn)
		case <-ticks:
			if !m.rooms.sent(m) {
				continue
			}
			if err := m.write(ctx, conn, text{client: m.slot, number: m.number}); err != nil {
				return err
			}
		}
	}
}

// knock sends probes until one comes back: only then is the client known to be
// in the room.
func (m *wsClient) knock(ctx context.Context, conn *websocket.Conn, joined <-chan struct{}) error {
	for {
		m.probes++
		if err := m.write(ctx, conn, text{probe: true, client: m.slot, number: m.probes}); err != nil {
			return err
		}
		select {
		case <-joined:
			return nil
		case <-ctx.Done():
			return nil
		case <-m.rooms.leaving:
			return nil // talk says good-bye
		case <-time.After(probeEvery):
		}
	}
}

func (m *wsClient) write(ctx context.Context, conn *websocket.Conn, t text) error {
	ctx, cancel := context.WithTimeout(ctx, m.rooms.options.Handshake)
	defer cancel()
	s := t.encode(m.rooms.runID)
	if m.rooms.options.Wrap != nil {
		s = m.rooms.options.Wrap(s)
	}
	if err := conn.Write(ctx, websocket.MessageText, []byte(s)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// goodBye closes the connection as a client should.
func (m *wsClient) goodBye(conn *websocket.Conn) error {
	if err := conn.Close(websocket.StatusNormalClosure, "load ended"); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
