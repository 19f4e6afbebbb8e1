package rooms

import (
	"context"
	"time"
)

// pingSlices spreads the pings over the interval, so that ten thousand clients
// are not pinged in one burst.
const pingSlices = 25

// pongLimit is the time limit for a client's answer to a ping.
const pongLimit = 10 * time.Second

// pingAll pings every client once per interval. Pings keep proxies from closing
// quiet connections, and detect clients that have disappeared.
func (h *Hub) pingAll(ctx context.Context) error {
	tick := time.NewTicker(max(h.o.PingInterval/pingSlices, time.Millisecond))
	defer tick.Stop()
	for slice := 0; ; slice = (slice + 1) % pingSlices {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, c := range h.slice(slice) {
			go c.ping(ctx)
		}
	}
}

// slice returns the clients of turn n. A client keeps its turn, so that its
// pings come at even intervals.
func (h *Hub) slice(n int) []*client {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*client
	for c := range h.clients {
		if c.turn == n {
			out = append(out, c)
		}
	}
	return out
}

func (c *client) ping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pongLimit)
	defer cancel()
	if err := c.conn.Ping(ctx); err != nil && ctx.Err() != nil {
		_ = c.conn.CloseNow() // its reader ends and cleans up
	}
}
