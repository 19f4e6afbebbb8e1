package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// slowSockets is the number of WebSockets that send as much as they may and read
	// nothing.
	slowSockets = 8
	// slowConnections is the number of stuck connections of each kind.
	slowConnections = 40
)

// slowClients lets clients of each kind block for the given time.
func (r *checkRun) slowClients(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	host := r.endpoint.authority()
	body := strings.Repeat("x", 1<<20)
	for _, request := range []string{
		// This upload stops in the middle.
		"POST /echo HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 1048576\r\n\r\nhalf",
		// This header never ends.
		"GET / HTTP/1.1\r\nHost: " + host + "\r\nX-Long: " + strings.Repeat("y", 6<<10),
		// The client never reads the answer to this request.
		"POST /echo HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 1048576\r\n\r\n" + body,
	} {
		for range slowConnections {
			conn, err := dialSlow(ctx, r.endpoint.address())
			if err != nil {
				return err
			}
			all.Go(func() {
				defer conn.Close()
				_ = conn.SetWriteDeadline(time.Now().Add(d))
				_, _ = conn.Write([]byte(request)) // the service may end it
				<-ctx.Done()
			})
		}
	}
	if r.endpoint.Rooms {
		if err := r.slowSockets(ctx, &all); err != nil {
			return err
		}
	}
	<-ctx.Done()
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return nil
}

// dialSlow opens a connection with a small receive buffer.
func dialSlow(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connecting slowly: %w", err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := tcp.SetReadBuffer(4 << 10); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// slowSockets opens WebSockets that are alone in their rooms and never read their
// own messages.
func (r *checkRun) slowSockets(ctx context.Context, all *sync.WaitGroup) error {
	// JSON writes six bytes for each of these.
	loud := []byte(strings.Repeat("\x01", 16<<10))
	for i := range slowSockets {
		conn, err := r.endpoint.join(ctx, fmt.Sprintf("slow-%d", i))
		if err != nil {
			return err
		}
		all.Go(func() {
			defer func() { _ = conn.CloseNow() }()
			for ctx.Err() == nil && conn.Write(ctx, websocket.MessageText, loud) == nil {
				pause(ctx, 60*time.Millisecond) // the service allows twenty in a second
			}
			<-ctx.Done()
		})
	}
	return nil
}
