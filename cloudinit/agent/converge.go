package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"escala/service"
)

// workerError reports a worker that does not serve correctly. It is final if the
// worker had its whole time to become ready.
type workerError struct {
	slot   int
	reason string
	final  bool
}

func (e workerError) Error() string { return e.reason }

// converge brings every worker to the current release and points the proxy at
// them. It reads the state again after each step, because a good worker may have
// died in the meantime.
func (a *Agent) converge(ctx context.Context) error {
	for range 2*a.Config.Slots() + 2 {
		if done, err := a.step(ctx); done || err != nil {
			return err
		}
	}
	return errors.New("workers end as soon as they have started")
}

// step replaces the workers that can be replaced at the same time. done reports
// that no worker is left to replace.
func (a *Agent) step(ctx context.Context) (done bool, err error) {
	v, err := a.view(ctx)
	if err != nil {
		return false, err
	}
	if err := a.route(ctx, v); err != nil {
		return false, err
	}
	var todo, others []int
	for worker := range a.Config.Workers {
		c, ok := v.candidate(a.Config, worker)
		switch {
		case ok && v.good(c):
			a.recovered(c.slot)
		case ok:
			others = append(others, worker)
		default:
			todo = append(todo, worker)
		}
	}
	// Workers that are already starting come first. While one of them is missing,
	// no serving worker is replaced.
	missing, err := a.awaitAll(ctx, others)
	if err != nil {
		return false, err
	}
	if missing != nil {
		todo = slices.DeleteFunc(todo, func(worker int) bool { return v.rank(a.Config, worker) > 1 })
	}
	if len(todo) == 0 {
		ending, err := a.retire(ctx)
		if err != nil {
			return false, err
		}
		if err := a.unused(ctx, ending); err != nil {
			return false, err
		}
		return true, missing
	}
	// Workers that do not serve are replaced first.
	slices.SortStableFunc(todo, func(x, y int) int { return v.rank(a.Config, x) - v.rank(a.Config, y) })
	a.publish(ctx)
	if batch := todo[:min(len(todo), a.beside())]; len(batch) > 0 {
		return false, a.startBeside(ctx, batch)
	}
	return false, a.replace(ctx, todo[0], false)
}

// awaitAll waits for all of the workers. missing is the error of the first worker
// that is not ready yet and may still become ready.
func (a *Agent) awaitAll(ctx context.Context, workers []int) (missing, err error) {
	for _, worker := range workers {
		err := a.await(ctx, worker)
		var w workerError
		if err != nil && (!errors.As(err, &w) || w.final) {
			return nil, err
		}
		if missing == nil {
			missing = err
		}
	}
	return missing, nil
}

// rank returns how much is lost if the worker ends: 0 if nothing runs, 1 if it is
// not ready, 2 if it serves.
func (v view) rank(c Config, worker int) int {
	o, ok := v.serving(c, worker)
	if !ok {
		return 0
	}
	return rank(o)
}

// beside returns the number of workers that can start while all others run.
func (a *Agent) beside() int {
	if a.Config.Slots() == a.Config.Workers {
		return 0
	}
	return max(0, a.Workers.Memory()) / max(1, a.Config.MemoryMiB)
}

// startBeside starts workers in their free slots and waits until they have been
// ready for Config.Steady. Only then does it end the old processes of the same
// workers.
func (a *Agent) startBeside(ctx context.Context, workers []int) error {
	slots := make([]int, 0, len(workers))
	for _, worker := range workers {
		slot, err := a.free(ctx, worker)
		if err != nil {
			return err
		}
		if err := a.Supervisor.Start(ctx, slot); err != nil {
			return fmt.Errorf("starting worker %d: %w", worker, err)
		}
		slots = append(slots, slot)
	}
	for _, slot := range slots {
		if err := a.comesUp(ctx, slot); err != nil {
			return err
		}
	}
	if err := a.reroute(ctx); err != nil {
		return err
	}
	if err := a.handOverFirst(ctx); err != nil {
		return err
	}
	if err := a.steady(ctx, slots); err != nil {
		return err
	}
	_, err := a.retire(ctx)
	return err
}

// free returns a slot of the worker in which nothing runs. If all are in use, it
// ends a process and waits for its end.
func (a *Agent) free(ctx context.Context, worker int) (int, error) {
	v, err := a.view(ctx)
	if err != nil {
		return 0, err
	}
	var best *occupant
	for _, o := range v.of(a.Config, worker) {
		if o.orphan == nil && o.Down() {
			return o.slot, nil
		}
		// A process that drains or does not serve is preferred.
		if best == nil || rank(o) < rank(*best) {
			best = &o
		}
	}
	if err := a.end(ctx, *best); err != nil {
		return 0, err
	}
	return best.slot, a.gone(ctx, best.slot)
}

// rank is view.rank of one occupant.
func rank(o occupant) int {
	switch {
	case !o.alive():
		return 0
	case !o.ready:
		return 1
	default:
		return 2
	}
}

// replace ends the worker's process and starts another one in its place. The
// machine has one worker less in the meantime, so all others that can serve must
// serve. replace leaves a worker alone that is starting by now, unless it is hung.
func (a *Agent) replace(ctx context.Context, worker int, hung bool) error {
	v, err := a.view(ctx)
	if err != nil {
		return err
	}
	if c, ok := v.candidate(a.Config, worker); ok && c.Alive() && !hung {
		return nil
	}
	for _, o := range v.of(a.Config, worker) {
		if o.orphan == nil && o.Down() {
			continue
		}
		if err := a.end(ctx, o); err != nil {
			return err
		}
		if err := a.gone(ctx, o.slot); err != nil {
			return err
		}
	}
	if err := a.Supervisor.Start(ctx, worker); err != nil {
		return fmt.Errorf("starting worker %d: %w", worker, err)
	}
	if err := a.comesUp(ctx, worker); err != nil {
		return err
	}
	if err := a.reroute(ctx); err != nil {
		return err
	}
	if err := a.steady(ctx, []int{worker}); err != nil {
		return err
	}
	return a.handOver(ctx)
}

// comesUp waits until the slot's worker is ready with the current release.
func (a *Agent) comesUp(ctx context.Context, slot int) error {
	current := a.current()
	want := Answer{Code: 200, Release: current}
	if until(ctx, a.Clock, time.Duration(a.Config.Start), lookWhileNew, func() bool {
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
	// The release is not to blame if the supervisor died in the meantime.
	if _, err := a.Supervisor.Slots(ctx); err != nil {
		return fmt.Errorf("no worker can be started: %w", err)
	}
	return workerError{slot: slot, final: true, reason: fmt.Sprintf("worker %d does not come up with %s", a.Config.Worker(slot), current.Describe())}
}

// steady waits for the time that new workers must stay ready, and checks them
// again.
func (a *Agent) steady(ctx context.Context, slots []int) error {
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
	patience := a.patience()
	if v.rolling {
		patience = time.Duration(a.Config.Start)
	}
	var last occupant
	// The supervisor may already be restarting a worker that just died.
	isGood := until(ctx, a.Clock, patience, lookEvery, func() bool {
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
		a.Log.Warn("worker does not answer and is started again", "worker", worker)
		if a.beside() > 0 {
			return a.startBeside(ctx, []int{worker})
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

// patience returns the time that a round waits for a worker that may be starting.
func (a *Agent) patience() time.Duration { return min(3*time.Second, time.Duration(a.Config.Start)) }
