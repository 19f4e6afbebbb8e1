package prefork

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"escala/service/status"
)

// process is one worker process of a slot. A slot has two processes for a short
// time during a roll.
type process struct {
	slot    int
	release string
	cmd     *exec.Cmd
	socket  string
	started time.Time
	// readyAt is the time at which the process was first seen ready, in Unix
	// nanoseconds; 0 before.
	readyAt atomic.Int64
	// stopRequested reports that the primary has asked the process to end.
	stopRequested atomic.Bool
	// hung reports that the process was killed because it did not answer. late
	// reports that it was killed because it was not ready in time.
	hung, late atomic.Bool
	// exited is closed when the process has ended. code is then its exit
	// status, or -1 for a signal.
	exited chan struct{}
	code   int
}

// pid returns the process's id.
func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// signal sends a signal. It is not an error if the process has already ended.
func (p *process) signal(s syscall.Signal) error {
	if s == syscall.SIGTERM {
		p.stopRequested.Store(true)
	}
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to worker %d (pid %d): %w", s, p.slot, p.pid(), err)
	}
	return nil
}

// readyPoll is the time between two readiness checks of a starting worker.
const readyPoll = 20 * time.Millisecond

// awaitReady waits until the worker reports that it is ready.
func (p *process) awaitReady(ctx context.Context, path string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		if last = status.Probe(ctx, p.socket, path); last == nil {
			p.readyAt.CompareAndSwap(0, time.Now().UnixNano())
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("worker %d (pid %d) exited with status %d before it was ready", p.slot, p.pid(), p.code)
		case <-ctx.Done():
			return fmt.Errorf("worker %d (pid %d) was not ready within %s: %w", p.slot, p.pid(), limit, last)
		case <-time.After(readyPoll):
		}
	}
}

// socketPath returns the path of a process's admin socket. It contains a
// generation, because a slot has two processes during a roll.
func socketPath(dir string, slot, generation int) string {
	return filepath.Join(dir, fmt.Sprintf("worker-%d-%d.sock", slot, generation))
}
