package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// sockets holds the memory of idle connections, in bytes per connection.
type sockets struct {
	open                 int
	perSocket, perPlain  uint64
	before, after        uint64
	plainBefore, plainIn uint64
}

const (
	// perRoom is the number of members in a room.
	perRoom = 100
	// settle is the idle time of the connections before the memory is read. It
	// is longer than a ping interval, so that pings are included.
	settle = 8 * time.Second
	// dialers is the number of connections that are opened at the same time.
	dialers = 64
)

// measureSockets opens idle WebSockets to the service and the same number of
// idle keep-alive connections to plain net/http.
func measureSockets(ctx context.Context, s settings, escala, plain string) (sockets, error) {
	out := sockets{open: s.sockets}
	a, err := start(ctx, escala, "ROOMS=true", "WS_PING_INTERVAL=5s")
	if err != nil {
		return out, err
	}
	defer a.stop()
	if out.before, out.after, err = grow(ctx, a, s.sockets, openSocket); err != nil {
		return out, fmt.Errorf("opening WebSockets: %w", err)
	}
	b, err := start(ctx, plain)
	if err != nil {
		return out, err
	}
	defer b.stop()
	if out.plainBefore, out.plainIn, err = grow(ctx, b, s.sockets, openPlain); err != nil {
		return out, fmt.Errorf("opening keep-alive connections: %w", err)
	}
	out.perSocket = (out.after - out.before) / uint64(s.sockets)
	out.perPlain = (out.plainIn - out.plainBefore) / uint64(s.sockets)
	return out, nil
}

// grow opens n connections and returns the memory without and with them.
func grow(ctx context.Context, s *server, n int, open func(context.Context, string, int) (net.Conn, *bufio.Reader, error)) (before, after uint64, err error) {
	// The first requests make a server allocate memory that it then keeps.
	if _, err := round(ctx, s, 16, time.Second); err != nil {
		return 0, 0, err
	}
	if before, err = s.memory(); err != nil {
		return 0, 0, err
	}
	conns := make([]net.Conn, n)
	defer func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	lost := make(chan error, n)
	var group errgroup.Group
	group.SetLimit(dialers)
	for i := range n {
		group.Go(func() error {
			c, r, err := open(ctx, s.address, i)
			if err != nil {
				return err
			}
			conns[i] = c
			go func() { lost <- answerPings(c, r) }()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, 0, err
	}
	select {
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	case err := <-lost:
		return 0, 0, fmt.Errorf("a connection ended: %w", err)
	case <-time.After(settle):
	}
	after, err = s.memory()
	if err == nil && after < before {
		err = errors.New("the memory shrank: the machine is too busy to tell")
	}
	return before, after, err
}

// openSocket upgrades a connection by hand: a WebSocket library would need more
// memory for the clients than the server does.
func openSocket(ctx context.Context, address string, i int) (net.Conn, *bufio.Reader, error) {
	return ask(ctx, address, fmt.Sprintf("GET /ws?room=r%d HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", i/perRoom), http.StatusSwitchingProtocols)
}

func openPlain(ctx context.Context, address string, _ int) (net.Conn, *bufio.Reader, error) {
	return ask(ctx, address, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n", http.StatusOK)
}

func ask(ctx context.Context, address, request string, want int) (net.Conn, *bufio.Reader, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting (as many open files have to be allowed, see ulimit -n): %w", err)
	}
	r := bufio.NewReaderSize(c, 256)
	if _, err = io.WriteString(c, request); err == nil {
		var res *http.Response
		if res, err = http.ReadResponse(r, nil); err == nil && res.StatusCode != want { //nolint:bodyclose // it is the connection
			err = fmt.Errorf("it answered %s", res.Status)
		}
		if err == nil && want == http.StatusOK {
			_, err = io.Copy(io.Discard, res.Body) // the connection stays open
		}
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening a connection: %w", err), c.Close())
	}
	return c, r, nil
}
