package server

import (
	"syscall"
	"time"
)

// watch distinguishes connections for which a drain has to wait from those with a
// silent peer. It checks them repeatedly and remembers the time of each
// connection's last change, so that requests need no clock.
type watch struct {
	limit   time.Duration
	conns   map[*conn]*connSample
	streams map[*stream]*streamSample
}

// streamSample is the state of an HTTP/2 request's body, with the time of its
// last change.
type streamSample struct {
	reads uint64
	same  time.Time
}

// connSample is the state of a connection, with the time of its last change.
type connSample struct {
	phase phase
	marks uint64
	acked uint64
	// same is the time of the last change. inactive is the last time at which a
	// request was in flight.
	same, inactive time.Time
}

// trickle is the longest time for which a peer can keep a connection without a
// request open by sending single bytes.
const trickle = 5 * time.Second

func newWatch(limit time.Duration) *watch {
	return &watch{limit: limit, conns: make(map[*conn]*connSample), streams: make(map[*stream]*streamSample)}
}

// check closes the connections whose peer has been silent for the limit. These
// are idle, unused or half-open connections, requests whose body has stopped
// arriving, and requests whose response is not being read.
func (w *watch) check(now time.Time, open []*conn) {
	for _, c := range open {
		p, marks, acked := phase(c.phase.Load()), c.marks.Load(), uint64(0)
		moving := false
		if c.writing.Load() {
			acked, moving = c.acked()
		}
		s, known := w.conns[c]
		if !known {
			s = &connSample{same: now, inactive: now}
			w.conns[c] = s
		}
		if moving || s.phase != p || s.marks != marks || s.acked != acked {
			s.phase, s.marks, s.acked, s.same = p, marks, acked, now
		}
		if p == phaseActive || p == phaseHijacked {
			s.inactive = now
		}
		silent := now.Sub(s.same) >= w.limit
		switch p {
		case phaseNew, phaseIdle:
			if silent || now.Sub(s.inactive) >= w.limit+trickle {
				c.closeUnlessUsed(marks)
			}
		case phaseActive:
			if silent {
				c.giveUpOnPeer()
			}
			for _, st := range c.streams.all() {
				w.checkStream(now, st)
			}
		case phaseHijacked: // LongLived closes it
		}
	}
}

// checkStream ends the wait for the body of one HTTP/2 request whose client has been
// silent for the limit. Other requests on the connection continue.
func (w *watch) checkStream(now time.Time, st *stream) {
	reads := st.reads.Load()
	s, known := w.streams[st]
	if !known || s.reads != reads || !st.reading.Load() {
		w.streams[st] = &streamSample{reads: reads, same: now}
		return
	}
	if now.Sub(s.same) >= w.limit {
		st.giveUpReading()
	}
}

// closeUnlessUsed closes the connection unless bytes have arrived since marks
// was read.
func (c *conn) closeUnlessUsed(marks uint64) {
	if marks&markClosing == 0 && c.marks.CompareAndSwap(marks, marks|markClosing) {
		_ = c.Conn.Close() // net/http's read fails and it calls Close
	}
}

// giveUpOnPeer ends the wait for a silent peer. A handler that reads a body
// gets an error and can still answer. A handler that writes to a peer that does
// not read cannot answer. A handler that computes is not interrupted.
func (c *conn) giveUpOnPeer() {
	if c.readingBody.Load() {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	} else if c.writing.Load() {
		_ = c.Conn.Close()
	}
}

// acked returns the number of bytes that the peer's kernel has acknowledged,
// because a peer that reads slowly is not silent. On Unix sockets, whose peer
// is a proxy on this machine, the number is not known. The peer then counts as
// moving.
func (c *conn) acked() (bytes uint64, moving bool) {
	sc, ok := c.Conn.(syscall.Conn)
	if !ok {
		return 0, true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, true
	}
	moving = true
	err = raw.Control(func(fd uintptr) {
		if n, known := acknowledged(int(fd)); known {
			bytes, moving = n, false
		}
	})
	return bytes, moving || err != nil
}
