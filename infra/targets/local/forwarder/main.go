// Command forwarder is the local target's address. It listens on one port of
// this computer and forwards each connection to the machine whose address is in
// a file. If the file changes, new connections go to the new machine; open
// connections stay with the old one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	os.Exit(start())
}

// start is main with a returned exit status.
func start() int {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	target := flag.String("target", "/address/target", "file that holds the machine's host:port")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, *listen, *target); err != nil {
		slog.Error("forwarder ends", "error", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, listen, target string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	machines := newLink()
	for {
		client, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			// Probably out of file descriptors. Continue: open connections will end.
			slog.Warn("accepting", "error", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go func() {
			defer client.Close()
			if err := forward(ctx, client, machines, target); err != nil {
				slog.Warn("forwarding", "error", err)
			}
		}()
	}
}

// forward connects client to the machine whose address the file contains now.
func forward(ctx context.Context, client net.Conn, machines *link, target string) error {
	address, err := os.ReadFile(target)
	if err != nil {
		return fmt.Errorf("reading the target: %w", err)
	}
	machine, err := machines.dial(ctx, strings.TrimSpace(string(address)))
	if err != nil {
		return fmt.Errorf("connecting to the machine: %w", err)
	}
	defer machine.Close()
	var both errgroup.Group
	both.Go(func() error { return pipe(machine, client) })
	both.Go(func() error { return pipe(client, machine) })
	return both.Wait()
}

// pipe copies until from ends, and then closes the writing side of to. If
// copying fails it closes both connections, so that neither direction waits for
// the other.
func pipe(to, from net.Conn) error {
	_, err := io.Copy(to, from)
	if err != nil {
		to.Close()
		from.Close()
		if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
			return nil
		}
		return err
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	return nil
}
