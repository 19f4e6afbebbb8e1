package conformance

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

const (
	// perRoom is the number of WebSockets in one room.
	perRoom = 10
	// dialing is the number of concurrent handshakes.
	dialing = 16
	// handshake is the timeout of each handshake.
	handshake = 10 * time.Second
	// openFor is the time for which all WebSockets stay open.
	openFor = 5 * time.Second
)

// manyWebSockets opens n WebSockets, keeps them for a while and closes them.
func (r *checkRun) manyWebSockets(ctx context.Context, n int) error {
	if !r.endpoint.Rooms {
		return NotApplicable("there are no rooms, and so no WebSockets")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var open sync.WaitGroup
	defer open.Wait()
	var ended atomic.Int64
	leave := make(chan struct{})
	left := sync.OnceFunc(func() { close(leave) })
	defer left()

	r.mark("opening")
	began := time.Now()
	var dials errgroup.Group
	dials.SetLimit(dialing)
	for i := range n {
		dials.Go(func() error {
			limited, stop := context.WithTimeout(ctx, handshake)
			defer stop()
			conn, err := r.endpoint.join(limited, fmt.Sprintf("many-%d", i/perRoom))
			if err != nil {
				return fmt.Errorf("WebSocket %d of %d, after %s: %w", i+1, n, time.Since(began).Round(time.Second), err)
			}
			open.Go(func() { hold(ctx, conn, leave, &ended) })
			return nil
		})
	}
	if err := dials.Wait(); err != nil {
		return err
	}
	r.mark(fmt.Sprintf("all open after %.1f s", time.Since(began).Seconds()))
	client := r.endpoint.client()
	defer client.CloseIdleConnections()
	for end := time.Now().Add(openFor); time.Now().Before(end); pause(ctx, 250*time.Millisecond) {
		resp, err := r.endpoint.do(ctx, client, http.MethodGet, "/health", nil, nil)
		if err != nil {
			return fmt.Errorf("asking for health beside %d WebSockets: %w", n, err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("beside %d WebSockets, health is %s", n, resp.Status)
		}
	}
	if gone := ended.Load(); gone > 0 {
		return fmt.Errorf("%d of %d WebSockets were ended within %s", gone, n, time.Since(began).Round(time.Second))
	}
	return nil
}

// hold reads until leave is closed, so that pings are answered.
func hold(ctx context.Context, conn *websocket.Conn, leave <-chan struct{}, ended *atomic.Int64) {
	defer func() { _ = conn.CloseNow() }()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-leave:
			_ = conn.Close(websocket.StatusNormalClosure, "")
		case <-reading.Done():
		}
	}()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			select {
			case <-leave:
			default:
				ended.Add(1)
			}
			return
		}
	}
}
