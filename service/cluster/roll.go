package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"escala/service/status"
)

// rollOnRequest rolls whenever it is asked to. A request during a roll makes
// one more afterwards.
func (p *primary) rollOnRequest(ctx context.Context, requests <-chan struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-requests:
		}
		p.log.Info("roll begins", slog.Int("workers", len(p.slots)))
		p.setRoll(status.Roll{State: "rolling"})
		if err := p.rollAll(ctx); err != nil {
			p.log.Error("roll aborted; the workers that have not been replaced go on", slog.Any("error", err))
			p.setRoll(status.Roll{State: "aborted", Error: err.Error()})
			continue
		}
		p.log.Info("roll done")
		p.setRoll(status.Roll{State: "done"})
	}
}

func (p *primary) setRoll(r status.Roll) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = &r
}

// rollAll replaces the workers one by one and stops at the first that fails.
func (p *primary) rollAll(ctx context.Context) error {
	p.rolling.Lock()
	defer p.rolling.Unlock()
	for _, s := range p.slots {
		if err := p.replace(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// replace puts a new worker into the slot: it must be ready, and stay so for
// a while, before the old one is asked to leave. It returns when the old one
// has ended, so that there is at most one process more than workers.
func (p *primary) replace(ctx context.Context, s *slot) error {
	s.work.Lock()
	defer s.work.Unlock()
	old, _ := s.view()
	proc, err := p.spawner.start(p.Options, p.socket, s.number, s.nextGeneration())
	if err != nil {
		return err
	}
	if err := p.started(ctx, proc); err != nil {
		// It may be ready by now if only the primary is ending.
		s.leave(proc)
		return err
	}
	select {
	case <-proc.exited:
		return fmt.Errorf("worker %d (pid %d) ended with status %d within %s of being ready", proc.slot, proc.pid(), proc.code, p.Config.Lifecycle.Steady)
	case <-ctx.Done():
		s.leave(proc)
		return ctx.Err()
	case <-time.After(p.Config.Lifecycle.Steady):
	}
	s.take(proc)
	if old == nil {
		return nil
	}
	return p.retire(ctx, old)
}

// retire asks a replaced worker to drain and waits for its end, or for the end
// of everything, which then waits for it. One that must be killed is no reason
// to stop a roll: its successor serves.
func (p *primary) retire(ctx context.Context, old *process) error {
	if err := old.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-old.exited:
		if old.code != 0 {
			p.log.Warn("replaced worker ended", slog.Int("pid", old.pid()), slog.Int("status", old.code))
		}
	case <-ctx.Done():
	case <-time.After(p.Config.Lifecycle.Stop):
		p.log.Warn("replaced worker is killed", slog.Int("pid", old.pid()), slog.Duration("after", p.Config.Lifecycle.Stop))
		return old.signal(syscall.SIGKILL)
	}
	return nil
}
