package server

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"escala/service/config"
)

// conns holds all open connections of a server.
type conns struct {
	trusted trust
	// readTimeout and writeTimeout limit a peer's silence. Write deadlines are
	// measured from started.
	readTimeout, writeTimeout time.Duration
	started                   time.Time
	// limit is the largest number of connections that are served; 0 is no limit.
	limit int
	// refused counts the connections that were closed without reading a
	// request.
	refused atomic.Uint64
	// pending is the number of bytes of unfinished request headers on all
	// connections. The limit is maxPending.
	pending    atomic.Int64
	maxPending int64

	mu   sync.Mutex
	open map[*conn]struct{}
	// extra holds the connections beyond most, the oldest first.
	extra []*conn
}

// reserve is the number of connections beyond the limit that still get one
// answer: that of the health path, or 503. At more connections, the oldest one
// without a request is closed, so that a probe gets its answer even if a
// stranger opens many connections.
const reserve = 64

func newConns(t trust, limits config.HTTP, started time.Time) *conns {
	return &conns{
		trusted: t, limit: limits.MaxConnections, started: started,
		readTimeout: limits.ReadTimeout, writeTimeout: limits.WriteTimeout,
		open: make(map[*conn]struct{}), maxPending: maxPending,
	}
}

// add registers a connection. If there are too many, it closes the connection
// and returns nil.
func (s *conns) add(nc net.Conn) *conn {
	c := &conn{Conn: nc, set: s, trusted: s.trusted.addr(nc.RemoteAddr())}
	c.reading.Set = nc.SetReadDeadline
	s.mu.Lock()
	if s.limit > 0 && len(s.open) >= s.limit {
		c.beyond = true
		if len(s.extra) >= reserve && !s.pushOut() {
			s.mu.Unlock()
			s.refused.Add(1)
			_ = nc.Close() // an error changes nothing
			return nil
		}
		s.extra = append(s.extra, c)
	}
	s.open[c] = struct{}{}
	s.mu.Unlock()
	return c
}

// pushOut closes the oldest connection beyond the limit that has not sent a
// request.
func (s *conns) pushOut() bool {
	for i, c := range s.extra {
		if phase(c.phase.Load()) != phaseNew {
			continue
		}
		s.extra = append(s.extra[:i], s.extra[i+1:]...)
		s.refused.Add(1)
		_ = c.Conn.Close() // net/http's read fails and it calls Close
		return true
	}
	return false
}

func (s *conns) remove(c *conn) {
	s.mu.Lock()
	delete(s.open, c)
	if c.beyond {
		if i := slices.Index(s.extra, c); i >= 0 {
			s.extra = slices.Delete(s.extra, i, i+1)
		}
	}
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

// len returns the number of open connections.
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

// tracked is a listener that registers its connections in conns.
type tracked struct {
	net.Listener
	conns *conns
}

// Accept registers the connection before it returns it. So "no open connection"
// after the last Accept is final.
func (t tracked) Accept() (net.Conn, error) {
	for {
		nc, err := t.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := t.conns.add(nc); c != nil {
			return c, nil
		}
	}
}
