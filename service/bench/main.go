// Command bench measures what the service costs, beside a plain net/http
// hello-world in the same run and on the same machine, so that the result is a
// ratio and not a machine's speed:
//
//	go run ./service/bench
//
// Both are separate processes with one processor each, so that the server and
// not the client is the bottleneck; rounds alternate between the two, and the
// median of the rounds counts.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The goals. A result that misses one makes the exit status 1.
const (
	// leastRatio is our requests/s as a share of plain net/http's.
	leastRatio = 0.95
	// mostPerSocket is the memory per idle WebSocket in bytes.
	mostPerSocket = 40 << 10
)

// settings are the flags.
type settings struct {
	rounds, connections, sockets int
	round                        time.Duration
}

func main() {
	var s settings
	flag.IntVar(&s.rounds, "rounds", 15, "rounds for each server")
	flag.DurationVar(&s.round, "round", time.Second, "length of a round")
	flag.IntVar(&s.connections, "connections", 64, "concurrent keep-alive connections")
	flag.IntVar(&s.sockets, "websockets", 10_000, "idle WebSockets")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	met, err := run(ctx, s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if err != nil || !met {
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, s settings) (met bool, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return false, fmt.Errorf("making a folder for the binaries: %w", err)
	}
	defer os.RemoveAll(dir)
	ours, err := build(ctx, dir, "escala/service/cmd/api")
	if err != nil {
		return false, err
	}
	plain, err := build(ctx, dir, "escala/service/bench/plain")
	if err != nil {
		return false, err
	}
	speed, err := measureSpeed(ctx, s, ours, plain)
	if err != nil {
		return false, err
	}
	memory, err := measureSockets(ctx, s, ours, plain)
	if err != nil {
		return false, err
	}
	return report(os.Stdout, s, speed, memory), nil
}
