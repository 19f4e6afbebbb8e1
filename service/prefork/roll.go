package prefork

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"escala/service/status"
)

// rollOnRequest rolls on each request. Requests during a roll cause one more
// roll afterwards.
func (p *primary) rollOnRequest(ctx context.Context, requests <-chan struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-requests:
		}
		release := ""
		next, err := openExecutable(p.Executable)
		if err == nil {
			release = next.release
			p.log.Info("roll begins", slog.Int("workers", len(p.slots)), slog.String("release", release))
			p.setRoll(status.Roll{State: "rolling", Release: release})
			err = p.rollTo(ctx, next)
		}
		if err != nil {
			p.log.Error("roll aborted; what served before goes on", slog.String("release", release), slog.Any("error", err))
			p.setRoll(status.Roll{State: "aborted", Release: release, Error: err.Error()})
			continue
		}
		p.log.Info("roll done", slog.String("release", release))
		p.setRoll(status.Roll{State: "done", Release: release})
	}
}

func (p *primary) setRoll(r status.Roll) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = &r
}

// rollTo tries a program, and then replaces the workers one by one with workers
// that run it. If one fails, rollTo puts the previous program back into the
// replaced slots.
func (p *primary) rollTo(ctx context.Context, next *executable) error {
	p.rolling.Lock()
	defer p.rolling.Unlock()
	if err := p.preflight(ctx, next); err != nil {
		return fmt.Errorf("release %s fails its preflight: %w", next.short(), err)
	}
	before := p.program()
	p.setProgram(next)
	for i, s := range p.slots {
		err := p.replace(ctx, s)
		if err == nil {
			continue
		}
		p.setProgram(before)
		if ctx.Err() == nil {
			p.putBack(ctx, p.slots[:i+1], before)
		}
		return err
	}
	return nil
}

// putBack replaces the workers that run another program than before.
func (p *primary) putBack(ctx context.Context, slots []*slot, before *executable) {
	for _, s := range slots {
		if now, _ := s.view(); now != nil && now.release == before.release {
			continue
		}
		if err := p.replace(ctx, s); err != nil {
			p.log.Error("worker does not come back with the release before", slog.Int("worker", s.number), slog.Any("error", err))
		}
	}
}

// replace puts a new worker into the slot. The new worker must become ready, and
// stay ready for Lifecycle.Steady, before the old one is asked to end. replace
// returns when the old one has ended, so at most one extra process exists.
func (p *primary) replace(ctx context.Context, s *slot) error {
	s.work.Lock()
	defer s.work.Unlock()
	old, _ := s.view()
	proc, err := p.spawner.start(p.Options, p.program(), p.inSlot(s))
	if err != nil {
		return err
	}
	if err := p.started(ctx, proc); err != nil {
		// If ctx has ended, the process was not killed, and may be ready by now.
		// The shutdown must wait for it.
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

// retire asks a replaced worker to drain. It waits for the worker's end, or for
// the shutdown, which then waits for the worker. A worker that must be killed
// does not stop a roll, because its successor serves.
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
