package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// backlog is the number of connections that may wait to be accepted. It is small on
// purpose. Go's default is 4096 (net.core.somaxconn). If a busy computer accepts
// connections no faster than they arrive, a queue of that length never empties
// again. Every connection then waits in it until its client has given up, and the
// forwarder works only for clients that are gone. With a short queue, the kernel
// makes clients beyond it try again, and clients in the queue are served.
const backlog = 128

// listenOnLoopbacks listens on address and, if that is 127.0.0.1, on the same port of
// [::1]. "localhost" is both, and some clients try only the first one that their
// resolver returns (Node 18's fetch). A computer without IPv6 has no second one.
func listenOnLoopbacks(ctx context.Context, address string) ([]net.Listener, error) {
	l, err := listenOn(ctx, address)
	if err != nil {
		return nil, err
	}
	all := []net.Listener{l}
	if host, port, err := net.SplitHostPort(address); err == nil && host == "127.0.0.1" {
		second, err := listenOn(ctx, net.JoinHostPort("::1", port))
		if err != nil {
			slog.Warn("[::1] is not served; use 127.0.0.1 instead of localhost", "error", err)
			return all, nil
		}
		all = append(all, second)
	}
	return all, nil
}

// listenOn listens with a queue of backlog connections.
func listenOn(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	if err := shorten(l); err != nil {
		return nil, errors.Join(fmt.Errorf("shortening the queue of %s: %w", address, err), l.Close())
	}
	return l, nil
}

// shorten calls listen(2) again, which changes the length of the queue.
func shorten(l net.Listener) error {
	socket, ok := l.(syscall.Conn)
	if !ok {
		return errors.New("it has no socket")
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	if err := raw.Control(func(fd uintptr) { set = unix.Listen(int(fd), backlog) }); err != nil {
		return err
	}
	return set
}
