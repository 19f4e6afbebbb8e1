package agent

import (
	"context"
	"fmt"
	"time"

	"escala/service"
)

// workerError reports a worker that does not serve correctly. It is final if the
// worker had its whole time to become ready.
type workerError struct {
	slot int
	// instance is set instead of slot if the error is that of a process beside the
	// workers.
	instance Instance
	reason   string
	final    bool
}

func (e workerError) Error() string { return e.reason }

// comesUp waits until the slot's worker is ready with the current release.
func (a *Agent) comesUp(ctx context.Context, slot int) error {
	current := a.current()
	want := Answer{Code: 200, Release: current}
	if until(ctx, a.Clock, time.Duration(a.Config.Start), newPollInterval, func() bool {
		return a.Workers.Ask(ctx, slot, a.Config.ReadyPath) == want
	}) {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("waiting for worker %d: %w", a.Config.Worker(slot), ctx.Err())
	}
	return a.notUp(ctx, slot, current)
}

// notUp returns the error of a worker that had its whole time to become ready.
func (a *Agent) notUp(ctx context.Context, slot int, current service.ReleaseID) error {
	// It is not the release's fault if the supervisor died in the meantime.
	if _, err := a.Supervisor.Slots(ctx); err != nil {
		return fmt.Errorf("no worker can be started: %w", err)
	}
	return workerError{slot: slot, final: true, reason: fmt.Sprintf("worker %d does not come up with %s", a.Config.Worker(slot), current.Describe())}
}

// awaitSteady waits for the time that new workers must stay ready, and checks them
// again.
func (a *Agent) awaitSteady(ctx context.Context, slots []int) error {
	if err := a.Clock.Sleep(ctx, time.Duration(a.Config.Steady)); err != nil {
		return fmt.Errorf("waiting for new workers: %w", err)
	}
	current := a.current()
	for _, slot := range slots {
		if (a.Workers.Ask(ctx, slot, a.Config.ReadyPath) != Answer{Code: 200, Release: current}) {
			return a.notUp(ctx, slot, current)
		}
	}
	return nil
}

// unhealthyFor is the time that the health path of a worker may fail before the
// worker is started again. Only the health path causes a restart: a worker that
// is healthy but not ready waits for a dependency, which a restart does not
// bring back.
const unhealthyFor = 15 * time.Second

// await waits for a worker whose process runs the current release but is not
// ready. It starts the worker again if it has been unhealthy for too long.
func (a *Agent) await(ctx context.Context, worker int) error {
	v, err := a.view(ctx)
	if err != nil {
		return err
	}
	wait := a.readyWait()
	if v.rolling {
		wait = time.Duration(a.Config.Start)
	}
	var last occupant
	// The supervisor may already be restarting a worker that just died.
	isGood := until(ctx, a.Clock, wait, pollInterval, func() bool {
		if v, err = a.view(ctx); err != nil {
			return true
		}
		c, ok := v.candidate(a.Config, worker)
		if !ok {
			// The process is gone; the next round starts another one.
			err = workerError{slot: last.slot, reason: fmt.Sprintf("worker %d has ended", worker)}
			return true
		}
		last = c
		return v.good(c)
	})
	if err != nil {
		return err
	}
	if isGood {
		a.recovered(last.slot)
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("waiting for worker %d: %w", worker, ctx.Err())
	}
	if v.rolling {
		return a.notUp(ctx, last.slot, v.current)
	}
	if last.healthy {
		a.recovered(last.slot)
		return workerError{slot: last.slot, reason: fmt.Sprintf("worker %d is not ready, and its %s answers 200: one of its dependencies is missing", worker, a.Config.HealthPath)}
	}
	if last.State == SlotBackoff {
		return workerError{slot: last.slot, reason: fmt.Sprintf("worker %d does not come up with %s", worker, v.current.Describe())}
	}
	now := a.Clock.Elapsed()
	if now-a.unhealthySince(last, now) >= max(unhealthyFor, time.Duration(a.Config.Start)) {
		a.recovered(last.slot)
		a.watched.hung++
		a.Log.Warn("worker does not answer and is started again", "worker", worker)
		if a.surge() > 0 {
			return a.startSurge(ctx, []int{worker})
		}
		return a.replace(ctx, worker, true)
	}
	return workerError{slot: last.slot, reason: fmt.Sprintf("worker %d does not answer %s", worker, a.Config.HealthPath)}
}

// unhealthy describes a process whose health path fails.
type unhealthy struct {
	process string
	// since is the time of the first failure, by Clock.Elapsed.
	since time.Duration
}

// unhealthySince returns the time of the first failure of the occupant's process.
// A new process in the slot gets the whole time again.
func (a *Agent) unhealthySince(o occupant, now time.Duration) time.Duration {
	if noted, ok := a.unhealthy[o.slot]; ok && noted.process == o.Process {
		return noted.since
	}
	if a.unhealthy == nil {
		a.unhealthy = map[int]unhealthy{}
	}
	a.unhealthy[o.slot] = unhealthy{o.Process, now}
	return now
}

func (a *Agent) recovered(slot int) { delete(a.unhealthy, slot) }

// readyWait returns the time that a round waits for a worker that may be starting.
func (a *Agent) readyWait() time.Duration { return min(3*time.Second, time.Duration(a.Config.Start)) }
