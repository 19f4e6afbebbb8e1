// Command forwarder is the local target's address. It listens on one port of
// this computer's loopback and forwards each connection to the machine whose address is in
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
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	os.Exit(start())
}

// start is main, but it returns the exit status.
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
	listeners, err := listenOnLoopbacks(ctx, listen)
	if err != nil {
		return err
	}
	machines := newDialer()
	var accepting sync.WaitGroup
	for _, l := range listeners {
		defer context.AfterFunc(ctx, func() { l.Close() })()
		accepting.Go(func() { accept(ctx, l, machines, target) })
	}
	accepting.Wait()
	return nil
}

// accept forwards the connections of a listener until ctx ends.
func accept(ctx context.Context, l net.Listener, machines *dialer, target string) {
	for {
		client, err := l.Accept()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			// The process is probably out of file descriptors. It continues, because
			// open connections will end. Nothing is logged here, because a blocked log
			// must not keep the forwarder from accepting.
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
func forward(ctx context.Context, client net.Conn, machines *dialer, target string) error {
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

// bufferBytes is the size of the buffer for each direction of a connection.
const bufferBytes = 8 << 10

// pipe copies until from ends, and then closes the writing side of to. If
// copying fails it closes both connections, so that neither direction waits for
// the other.
//
// It copies through memory. Between two TCP connections io.Copy would use
// splice(2), which keeps a kernel pipe open for each direction, also of an idle
// connection: six file descriptors for each connection instead of two.
func pipe(to, from net.Conn) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, bufferBytes))
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
