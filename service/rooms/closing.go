package rooms

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// CloseAll closes the open WebSockets with 1001 (going away), and each new one as
// soon as it is open. It spreads the closing of the open ones evenly over the given
// time, so that the clients do not all reconnect at the same moment.
func (h *Hub) CloseAll(ctx context.Context, over time.Duration) {
	h.mu.Lock()
	h.closing = true
	clients := make([]*client, 0, len(h.clients))
	for c := range h.clients {
		clients = append(clients, c)
	}
	h.mu.Unlock()
	rand.Shuffle(len(clients), func(i, j int) { clients[i], clients[j] = clients[j], clients[i] })

	var closing sync.WaitGroup
	begin := time.Now()
	for i, c := range clients {
		at := begin.Add(over * time.Duration(i) / time.Duration(len(clients)))
		if !sleepUntil(ctx, at) {
			break // the server cuts the remaining connections
		}
		closing.Go(func() { c.close(websocket.StatusGoingAway, "this worker is ending; connect again") })
	}
	closing.Wait()
}

func sleepUntil(ctx context.Context, at time.Time) bool {
	d := time.Until(at)
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
