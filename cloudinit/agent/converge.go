package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

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
	a.lastView = nil
	v, err := a.view(ctx)
	if err != nil {
		return false, err
	}
	if err := a.route(ctx, v); err != nil {
		return false, err
	}
	var outdated, starting []int
	for worker := range a.Config.Workers {
		c, ok := v.candidate(a.Config, worker)
		switch {
		case ok && v.good(c):
			a.recovered(c.slot)
		case ok:
			starting = append(starting, worker)
		default:
			outdated = append(outdated, worker)
		}
	}
	// Workers that are already starting come first. While one of them is missing,
	// no serving worker is replaced.
	missing, err := a.awaitAll(ctx, starting)
	if err != nil {
		return false, err
	}
	if missing != nil {
		outdated = slices.DeleteFunc(outdated, func(worker int) bool { return v.rank(a.Config, worker) > 1 })
	}
	if len(outdated) == 0 {
		ending, err := a.retireAfter(ctx, v, len(starting) > 0)
		if err != nil {
			return false, err
		}
		if len(starting) == 0 && len(ending) == 0 {
			a.lastView = &v
		}
		if err := a.unused(ctx, ending); err != nil {
			return false, err
		}
		return true, missing
	}
	// Workers that do not serve are replaced first.
	slices.SortStableFunc(outdated, func(x, y int) int { return v.rank(a.Config, x) - v.rank(a.Config, y) })
	a.publish(ctx)
	if batch := outdated[:min(len(outdated), a.surge())]; len(batch) > 0 {
		return false, a.startSurge(ctx, batch)
	}
	return false, a.replace(ctx, outdated[0], false)
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

// surge returns the number of workers that can start while all others run.
func (a *Agent) surge() int {
	if a.Config.Slots() == a.Config.Workers {
		return 0
	}
	return max(0, a.Workers.Memory()) / max(1, a.Config.MemoryMiB)
}

// startSurge starts workers in their free slots and waits until they have been
// ready for Config.Steady. Only then does it end the old processes of the same
// workers.
func (a *Agent) startSurge(ctx context.Context, workers []int) error {
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
	if err := a.awaitSteady(ctx, slots); err != nil {
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
	for _, o := range v.ofWorker(a.Config, worker) {
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
	return best.slot, a.awaitDown(ctx, best.slot)
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

// replace ends the worker's process and starts another one in its place. Meanwhile
// the machine has one worker less, so all others that can serve must serve. If the
// worker is already starting, replace does nothing, unless the worker is hung.
func (a *Agent) replace(ctx context.Context, worker int, hung bool) error {
	v, err := a.view(ctx)
	if err != nil {
		return err
	}
	if c, ok := v.candidate(a.Config, worker); ok && c.Alive() && !hung {
		return nil
	}
	for _, o := range v.ofWorker(a.Config, worker) {
		if o.orphan == nil && o.Down() {
			continue
		}
		if err := a.end(ctx, o); err != nil {
			return err
		}
		if err := a.awaitDown(ctx, o.slot); err != nil {
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
	if err := a.awaitSteady(ctx, []int{worker}); err != nil {
		return err
	}
	return a.handOver(ctx)
}
