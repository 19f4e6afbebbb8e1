package prefork

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"escala/service/status"
)

// hungChecks is the number of consecutive checks without an answer after which a
// worker counts as hung. It is a number and not a time: the computer may have
// slept between two checks, and the worker then answers the next one.
const hungChecks = 6

// watchHung kills workers that were ready once and have not answered the health
// path for HangLimit. The slot's supervisor starts a new one.
func (p *primary) watchHung(ctx context.Context) error {
	every := p.Config.HangLimit / hungChecks
	tick := time.NewTicker(every)
	defer tick.Stop()
	missed := map[*process]int{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		failed := map[*process]int{}
		for _, s := range p.slots {
			proc, _ := s.view()
			if proc == nil || !proc.alive() || proc.readyAt.Load() == 0 || proc.stopRequested.Load() {
				continue
			}
			if p.answers(ctx, proc, every) || ctx.Err() != nil {
				continue
			}
			if failed[proc] = missed[proc] + 1; failed[proc] >= hungChecks {
				p.killHung(s, proc)
			}
		}
		missed = failed
	}
}

// answers reports whether a worker is healthy.
func (p *primary) answers(ctx context.Context, proc *process, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return status.Probe(ctx, proc.socket, p.Config.Worker.HealthPath) == nil
}

func (p *primary) killHung(s *slot, proc *process) {
	p.log.Error("worker hangs and is killed", slog.Int("worker", s.number), slog.Int("pid", proc.pid()),
		slog.Duration("not_answering", p.Config.HangLimit))
	proc.hung.Store(true)
	if err := proc.signal(syscall.SIGKILL); err != nil {
		p.log.Error("killing a worker", slog.Any("error", err))
	}
}

// ending describes how a worker ended, for the status.
func (p *primary) ending(proc *process) string {
	switch {
	case proc.hung.Load():
		return fmt.Sprintf("did not answer %s for %s and was killed", p.Config.Worker.HealthPath, p.Config.HangLimit)
	case proc.late.Load():
		return fmt.Sprintf("was not ready within %s and was killed", p.Config.Lifecycle.Start)
	}
	return "ended by itself: " + proc.cmd.ProcessState.String()
}
