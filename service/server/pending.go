package server

// maxPending is the largest number of bytes of unfinished request headers that
// a worker holds for all clients together.
const maxPending = 32 << 20

// pend counts bytes that arrive before the request is complete. It returns
// false if all connections together hold too many and this one holds the most.
func (c *conn) pend(n int) bool {
	switch phase(c.phase.Load()) {
	case phaseActive, phaseHijacked:
		return true
	case phaseNew, phaseIdle:
	}
	c.pending.Add(int64(n))
	if c.set.pending.Add(int64(n)) <= c.set.maxPending {
		return true
	}
	largest := c.set.largestPending()
	c.set.refused.Add(1)
	if largest == c || largest == nil {
		return false
	}
	largest.unpend()
	_ = largest.Conn.Close() // net/http's read fails and it calls Close
	return true
}

// unpend stops counting the connection's bytes as pending. It runs when its
// request header is complete or never will be.
func (c *conn) unpend() {
	if n := c.pending.Swap(0); n != 0 {
		c.set.pending.Add(-n)
	}
}

// largestPending returns the connection with the longest unfinished header.
func (s *conns) largestPending() *conn {
	var largest *conn
	most := int64(0)
	for _, c := range s.all() {
		if n := c.pending.Load(); n > most {
			largest, most = c, n
		}
	}
	return largest
}
