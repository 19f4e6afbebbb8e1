package rooms

import "github.com/coder/websocket"

// sendAll queues a message for all the clients. They share one frame.
func (h *Hub) sendAll(payload []byte, clients []*client) {
	if len(clients) == 0 {
		return
	}
	f, ok := newFrame(payload, &h.waiting)
	for !ok && h.shedSlowest() {
		f, ok = newFrame(payload, &h.waiting)
	}
	if !ok { // messages that are being written use the whole budget
		for _, c := range clients {
			c.mu.Lock()
			c.applySlowPolicy()
			c.mu.Unlock()
		}
		return
	}
	defer f.release()
	for _, c := range clients {
		c.send(f)
	}
}

// shedSlowest frees memory by applying Options.Slow to the client with the
// most waiting bytes: the client is closed, or its waiting messages are
// dropped.
func (h *Hub) shedSlowest() bool {
	h.mu.Lock()
	var slowest *client
	most := int64(0)
	for c := range h.clients {
		if n := c.behind.Load(); n > most {
			slowest, most = c, n
		}
	}
	h.mu.Unlock()
	if slowest == nil {
		return false
	}
	slowest.mu.Lock()
	defer slowest.mu.Unlock()
	slowest.applySlowPolicy()
	return true
}

// applySlowPolicy applies Options.Slow to a client whose queue is full. The caller
// holds the client's lock.
func (c *client) applySlowPolicy() {
	c.behind.Store(0) // the client frees no more memory until its next message
	if c.ended {
		return
	}
	c.hub.counts.slow.Inc()
	c.queue.clear(c.writing)
	if c.hub.o.Slow == CloseSlow {
		c.ended = true
		c.hub.counts.closed.Inc()
		go c.close(websocket.StatusTryAgainLater, "too slow")
	}
}
