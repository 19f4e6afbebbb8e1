// Command cost measures the cost of the service beside a plain net/http
// hello-world in the same run and on the same machine, so that the result is a
// ratio and not a machine's speed:
//
//	make bench
//
// Both are separate processes with one processor each, so that the server is
// the bottleneck and not the client. Rounds alternate between the two, and the
// median of the rounds counts. The command prints the result and adds it to the
// report of all measurements.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"escala/infra/testing/conformance/report"
	"escala/infra/workspace"
)

// These are the goals. If a result misses one, the exit status is 1.
const (
	// minRatio is the required ratio of the service's requests/s to those of plain
	// net/http.
	minRatio = 0.95
	// maxPerSocket is the limit of the memory per idle WebSocket, in bytes.
	maxPerSocket = 40 << 10
)

// settings holds the flags.
type settings struct {
	rounds, connections, sockets int
	round                        time.Duration
	out                          string
}

func main() {
	var s settings
	flag.IntVar(&s.rounds, "rounds", 15, "rounds for each server")
	flag.DurationVar(&s.round, "round", time.Second, "length of a round")
	flag.IntVar(&s.connections, "connections", 64, "concurrent keep-alive connections")
	flag.IntVar(&s.sockets, "websockets", 10_000, "idle WebSockets")
	flag.StringVar(&s.out, "out", "", "folder of the report (default .escala/report in the clone)")
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
	root, err := workspace.Root()
	if err != nil {
		return false, fmt.Errorf("finding the clone: %w", err)
	}
	watch := report.StartWatch()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return false, fmt.Errorf("making a folder for the binaries: %w", err)
	}
	defer os.RemoveAll(dir)
	escala, err := compile(ctx, root, dir, "escala/service/cmd/api")
	if err != nil {
		return false, err
	}
	plain, err := compile(ctx, filepath.Join(root, "infra", "testing", "bench"), dir, "escala/infra/testing/bench/cost/plain")
	if err != nil {
		return false, err
	}
	speed, err := measureSpeed(ctx, s, escala, plain)
	if err != nil {
		return false, err
	}
	memory, err := measureSockets(ctx, s, escala, plain)
	if err != nil {
		return false, err
	}
	result := comparison{settings: s, speed: speed, sockets: memory}
	result.print(os.Stdout)
	if s.out == "" {
		s.out = filepath.Join(root, ".escala", "report")
	}
	page, err := report.Keep(s.out, result.section(watch.Run(ctx, root, "make bench")))
	if err != nil {
		return false, err
	}
	fmt.Println("report: " + page)
	return result.fast() && result.small(), nil
}
