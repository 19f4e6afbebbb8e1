package server

import (
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"escala/service/server/lazy"
)

// phase is the state of a connection as the drain sees it.
type phase uint32

const (
	// phaseNew: accepted, no complete request header yet.
	phaseNew phase = iota
	// phaseActive: a request is being answered.
	phaseActive
	// phaseIdle: kept alive, waiting for the next request.
	phaseIdle
	// phaseHijacked: the handler took the connection over (WebSocket).
	phaseHijacked
)

func (p phase) String() string {
	switch p {
	case phaseNew:
		return "new"
	case phaseActive:
		return "active"
	case phaseIdle:
		return "idle"
	case phaseHijacked:
		return "hijacked"
	}
	return "unknown"
}

// conn is an accepted connection with the state that a drain reads. A request
// costs only a few uncontended atomic stores, without a clock or a lock. Instead,
// the drain reads the state several times and compares (see watch).
type conn struct {
	net.Conn
	set   *conns
	phase atomic.Uint32
	// marks counts events on the connection (bytes read or written, changes of
	// phase), in its upper bits. The lowest bit reports that the drain closes the
	// connection; setting it by compare-and-swap proves that nothing has been
	// read from the connection since the drain last looked.
	marks atomic.Uint64
	// writing and readingBody report that a call is in progress.
	writing, readingBody atomic.Bool
	// request is the request that a handler is answering. A hard stop logs it.
	// streams are the requests of an HTTP/2 connection.
	request atomic.Pointer[http.Request]
	streams streams
	closed  atomic.Bool
	// pending is the number of received bytes of an unfinished request header.
	pending atomic.Int64
	// trusted reports that the peer may set X-Forwarded-*.
	trusted bool
	// beyond reports that the connection is above the limit and is closed after
	// one answer.
	beyond bool
	// recent belongs to Options.Metrics.
	recent  any
	reading lazy.Deadline
	// armed is the deadline that limitWriting has set, as the time since the
	// server's start; 0 is none. ownDeadline reports that a handler has set its
	// own deadline.
	armed       atomic.Int64
	ownDeadline atomic.Bool
}

const (
	markClosing = 1
	markStep    = 2
)

func (c *conn) mark() (closing bool) { return c.marks.Add(markStep)&markClosing != 0 }

// Read records received bytes before the caller can act on them.
func (c *conn) Read(p []byte) (int, error) {
	for {
		if err := c.reading.Begin(); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(p)
		if c.reading.End(err) && n == 0 {
			continue
		}
		if n > 0 && (c.mark() || !c.pend(n)) {
			return 0, net.ErrClosed
		}
		return n, err
	}
}

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets the deadline through package lazy.
func (c *conn) SetReadDeadline(t time.Time) error { return c.reading.Move(t) }

// CloseWrite half-closes; net/http uses it to get an early answer through to a
// client that is still sending.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection and removes it from conns.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.unpend()
	if c.closed.CompareAndSwap(false, true) {
		c.set.remove(c)
	}
	return err
}

// state follows the connection's state in net/http.
func (c *conn) state(s http.ConnState) {
	switch s {
	case http.StateNew:
		return
	case http.StateActive:
		c.phase.Store(uint32(phaseActive))
		c.unpend()
	case http.StateIdle:
		c.phase.Store(uint32(phaseIdle))
	case http.StateHijacked:
		c.phase.Store(uint32(phaseHijacked))
		c.unpend()
		c.takenOver()
	case http.StateClosed:
		return
	}
	c.mark()
}

// connState is the http.Server.ConnState callback.
func connState(nc net.Conn, s http.ConnState) {
	if c, ok := nc.(*conn); ok {
		c.state(s)
	}
}
