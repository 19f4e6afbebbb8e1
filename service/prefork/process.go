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

// process is one worker process of a slot. A roll makes a slot have two for a
// while.
type process struct {
	slot    int
	release string
	cmd     *exec.Cmd
	socket  string
	started time.Time
	// readyAt is when it was first seen ready, in Unix nanoseconds; 0 before.
	readyAt atomic.Int64
	// told is set once it has been asked to end.
	told atomic.Bool
	// hung and late are set once it is killed: because it does not answer, or
	// because it was not ready in time.
	hung, late atomic.Bool
	// exited is closed when it has ended; code is its exit status then, or -1
	// for a signal.
	exited chan struct{}
	code   int
}

// pid is the process's id.
func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// signal sends a signal; that the process has ended meanwhile is no error.
func (p *process) signal(s syscall.Signal) error {
	if s == syscall.SIGTERM {
		p.told.Store(true)
	}
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to worker %d (pid %d): %w", s, p.slot, p.pid(), err)
	}
	return nil
}

// readyPoll is how often a starting worker is asked whether it is ready.
const readyPoll = 20 * time.Millisecond

// awaitReady waits until the worker answers that it is ready.
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

// socketPath is where a process of a slot answers for itself. Two processes
// of one slot live side by side during a roll, so it has a generation.
func socketPath(dir string, slot, generation int) string {
	return filepath.Join(dir, fmt.Sprintf("worker-%d-%d.sock", slot, generation))
}
