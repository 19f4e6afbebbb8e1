package server

import (
	"net"
	"sync"
)

// conns are all open connections of a server.
type conns struct {
	trusted trust
	fixed   []byte

	mu   sync.Mutex
	open map[*conn]struct{}
}

func newConns(t trust, fixed []byte) *conns {
	return &conns{trusted: t, fixed: fixed, open: make(map[*conn]struct{})}
}

func (s *conns) add(nc net.Conn) *conn {
	c := &conn{Conn: nc, set: s, trusted: s.trusted.addr(nc.RemoteAddr())}
	c.stamp.fixed = s.fixed
	c.stamp.fresh.Store(true)
	c.reading.set = nc.SetReadDeadline
	s.mu.Lock()
	s.open[c] = struct{}{}
	s.mu.Unlock()
	return c
}

func (s *conns) remove(c *conn) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
}

// all returns the open connections at this moment.
func (s *conns) all() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*conn, 0, len(s.open))
	for c := range s.open {
		out = append(out, c)
	}
	return out
}

// len is how many connections are open.
func (s *conns) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// byPhase counts the open connections by phase.
func (s *conns) byPhase() map[string]int {
	out := map[string]int{}
	for _, c := range s.all() {
		out[phase(c.phase.Load()).String()]++
	}
	return out
}

// tracked is a listener whose connections are known to conns.
type tracked struct {
	net.Listener
	conns *conns
}

// Accept registers the connection before anyone sees it, so that "no open
// connection" after the last Accept means that none is left.
func (t tracked) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return t.conns.add(c), nil
}
