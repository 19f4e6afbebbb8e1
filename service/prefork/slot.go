package prefork

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

const (
	// longestPause is the longest pause between restarts.
	longestPause = 30 * time.Second
	// stable is the time after which a ready worker's earlier failures no longer
	// count. If such a worker is killed, its program works, and the worker is
	// needed again at once.
	stable = 3 * time.Second
)

// slot is the place of one worker. Its supervisor restarts the worker when it
// ends. A roll puts another process into it.
type slot struct {
	number int
	// work is locked while a process is put into the slot.
	work sync.Mutex

	mu         sync.Mutex
	current    *process
	generation int
	restarts   int
	// failures is the number of consecutive ends that the primary did not
	// request.
	failures int
	// leaving holds the replaced processes that are still draining.
	leaving map[*process]struct{}
	// changed is closed when another process takes over the slot.
	changed chan struct{}
}

func newSlot(n int) *slot {
	return &slot{number: n, leaving: map[*process]struct{}{}, changed: make(chan struct{})}
}

func (s *slot) take(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.current; old != nil && old.alive() {
		s.leaving[old] = struct{}{}
	}
	s.current = p
	close(s.changed)
	s.changed = make(chan struct{})
}

// leave records a process that has left the slot, so that the shutdown waits
// for it.
func (s *slot) leave(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaving[p] = struct{}{}
}

func (s *slot) view() (current *process, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current, s.changed
}

// processes returns all processes of the slot that may be running.
func (s *slot) processes() []*process {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*process
	if s.current != nil {
		out = append(out, s.current)
	}
	for p := range s.leaving {
		if p.alive() {
			out = append(out, p)
		} else {
			delete(s.leaving, p)
		}
	}
	return out
}

func (s *slot) nextGeneration() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	return s.generation
}

// failed records an end and returns the number of consecutive failures.
func (s *slot) failed(p *process, limit int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := p.readyAt.Load(); at != 0 && time.Since(time.Unix(0, at)) >= stable {
		s.failures = 0
	}
	s.failures++
	if p.code == exitConfig && p.readyAt.Load() == 0 {
		s.failures = max(s.failures, limit) // a restart cannot help
	}
	return s.failures
}

// exitConfig is a worker's exit status for bad configuration.
const exitConfig = 2

// pause returns the time to wait before the n-th consecutive restart. It grows
// exponentially. Its jitter keeps workers that fail together from restarting
// together.
func pause(first time.Duration, n int) time.Duration {
	d := first
	for range n - 1 {
		if d = 2 * d; d >= longestPause {
			d = longestPause
			break
		}
	}
	return d/2 + rand.N(d/2+1)
}

// supervise runs a worker in the slot until ctx ends.
func (p *primary) supervise(ctx context.Context, s *slot) error {
	for ctx.Err() == nil {
		current, changed := s.view()
		if current == nil {
			if err := p.fill(ctx, s); err != nil && ctx.Err() == nil {
				p.log.Error("worker did not start", slog.Any("error", err))
			}
			if now, _ := s.view(); now == nil { // the process could not start, for example for lack of memory
				if err := p.backOff(ctx, s, &process{code: -1}); err != nil {
					return err
				}
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-current.exited:
			if now, _ := s.view(); now != current || ctx.Err() != nil {
				continue // a roll has replaced it, or the primary ends
			}
			p.log.Error("worker ended by itself", slog.Int("worker", s.number), slog.Int("pid", current.pid()),
				slog.Int("status", current.code), slog.String("state", current.cmd.ProcessState.String()))
			s.mu.Lock()
			if s.current == current {
				s.current = nil
			}
			s.restarts++
			s.mu.Unlock()
			p.happened(fmt.Sprintf("worker %d (pid %d) %s", s.number, current.pid(), p.ending(current)))
			if err := p.backOff(ctx, s, current); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill starts a worker in an empty slot and waits until it is ready.
func (p *primary) fill(ctx context.Context, s *slot) error {
	s.work.Lock()
	defer s.work.Unlock()
	if now, _ := s.view(); now != nil {
		return nil // a roll has filled the slot
	}
	proc, err := p.spawner.start(p.Options, p.program(), p.inSlot(s))
	if err != nil {
		return err
	}
	s.take(proc)
	return p.started(ctx, proc)
}

// started waits until a new worker is ready. It kills a worker that is not
// ready in time.
func (p *primary) started(ctx context.Context, proc *process) error {
	err := proc.awaitReady(ctx, p.Config.ReadyPath, p.Config.Lifecycle.Start)
	if err == nil {
		p.log.Info("worker ready", slog.Int("worker", proc.slot), slog.Int("pid", proc.pid()),
			slog.Duration("after", time.Since(proc.started)))
		return nil
	}
	if ctx.Err() == nil {
		proc.late.Store(proc.alive())
		err = errors.Join(err, proc.signal(syscall.SIGKILL))
	}
	return err
}

// backOff waits before the slot is filled again. It returns an error if no worker
// can keep running.
func (p *primary) backOff(ctx context.Context, s *slot, ended *process) error {
	n := s.failed(ended, p.Config.RestartLimit)
	if p.allFailed() {
		return fmt.Errorf("%w: every worker failed %d times in a row or more, the last one with exit status %d", ErrGaveUp, p.Config.RestartLimit, ended.code)
	}
	d := pause(p.Config.RestartPause, n)
	p.log.Info("worker starts again", slog.Int("worker", s.number), slog.Int("failures", n), slog.Duration("in", d))
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return nil
}

// allFailed reports that every slot has failed too often in a row and that no
// worker serves.
func (p *primary) allFailed() bool {
	for _, s := range p.slots {
		s.mu.Lock()
		serving := s.current != nil && s.current.alive() && s.current.readyAt.Load() != 0
		ok := serving || s.failures < p.Config.RestartLimit
		s.mu.Unlock()
		if ok {
			return false
		}
	}
	return true
}
