package agent

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"escala/service"
)

// workerError is a worker that does not serve as it should. It is final if the
// worker had its time to come up.
type workerError struct {
	slot   int
	reason string
	final  bool
}

func (e workerError) Error() string { return e.reason }

// occupant is what is in a slot.
type occupant struct {
	slot int
	Slot
	// orphan is the worker of a supervisor that has died, if one is there.
	orphan *Orphan
	// answers is the release that the worker answers as, and ready whether its
	// ready path answers 200.
	answers service.ReleaseID
	ready   bool
	// healthy: the health path answers 200.
	healthy bool
}

// alive reports whether a process is there that was not told to end.
func (o occupant) alive() bool { return o.orphan != nil || o.Alive() }

// view is the machine's workers at a moment.
type view struct {
	slots   []occupant
	current service.ReleaseID
	// rolling: current has been so for a moment only.
	rolling bool
}

// view asks the supervisor and the workers.
func (a *Agent) view(ctx context.Context) (view, error) {
	slots, err := a.Supervisor.Slots(ctx)
	if err != nil {
		return view{}, fmt.Errorf("no worker can be started: %w", err)
	}
	if len(slots) != a.Config.Slots() {
		return view{}, fmt.Errorf("the supervisor has %d slots for workers, not %d", len(slots), a.Config.Slots())
	}
	orphans, err := a.Supervisor.Orphans(ctx)
	if err != nil {
		return view{}, fmt.Errorf("looking for the workers of a supervisor that died: %w", err)
	}
	rolling, err := recall[roll](a.Disk, rollFile)
	if err != nil {
		return view{}, err
	}
	v := view{current: a.current()}
	v.rolling = rolling.To == v.current
	for i, s := range slots {
		o := occupant{slot: i, Slot: s}
		for _, orphan := range orphans {
			if orphan.Slot == i && !s.Alive() {
				o.orphan = &orphan
			}
		}
		if o.alive() {
			answer := a.Workers.Ask(ctx, i, a.Config.ReadyPath)
			o.ready, o.healthy, o.answers = answer.Code == 200, answer.Code == 200, answer.Release
			if !o.ready {
				health := a.Workers.Ask(ctx, i, a.Config.HealthPath)
				o.healthy = health.Code == 200
				if o.answers == "" {
					o.answers = health.Release
				}
			}
		}
		v.slots = append(v.slots, o)
	}
	return v, nil
}

// of are the slots of one worker.
func (v view) of(c Config, worker int) []occupant {
	var out []occupant
	for _, o := range v.slots {
		if c.Worker(o.slot) == worker {
			out = append(out, o)
		}
	}
	return out
}

// good reports whether the occupant is what a worker should be.
func (v view) good(o occupant) bool {
	return o.orphan == nil && o.Alive() && o.ready && o.answers == v.current
}

// candidate is the occupant that is, or becomes, the worker: a good one, or
// else a process of the current release that is on its way.
func (v view) candidate(c Config, worker int) (occupant, bool) {
	slots := v.of(c, worker)
	for _, o := range slots {
		if v.good(o) {
			return o, true
		}
	}
	for _, o := range slots {
		// After a switch, what failed before it is no candidate.
		if o.orphan != nil || o.State == SlotStopping || o.Down() || o.State == SlotBackoff && v.rolling {
			continue
		}
		// A process that runs no release yet is about to run the current one.
		if o.Release == v.current || o.Release == "" {
			return o, true
		}
	}
	return occupant{}, false
}

// serving is the occupant that serves for a worker now, whatever its release.
func (v view) serving(c Config, worker int) (occupant, bool) {
	var found occupant
	ok := false
	for _, o := range v.of(c, worker) {
		if o.alive() && (!ok || v.good(o) && !v.good(found) || o.ready && !found.ready) {
			found, ok = o, true
		}
	}
	return found, ok
}

// converge brings every worker to the current release, and the proxy to them. It
// looks again after each step: a worker that was good may have died meanwhile.
func (a *Agent) converge(ctx context.Context) error {
	for range 2*a.Config.Slots() + 2 {
		if done, err := a.step(ctx); done || err != nil {
			return err
		}
	}
	return errors.New("workers end as soon as they have started")
}

// step replaces the workers that can be replaced at once. It is done when there
// are none.
func (a *Agent) step(ctx context.Context) (done bool, err error) {
	v, err := a.view(ctx)
	if err != nil {
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
	// First those that are on their way already. While one is missing, none that
	// serves is replaced.
	missing, err := a.awaitAll(ctx, others)
	if err != nil {
		return false, err
	}
	if missing != nil {
		todo = slices.DeleteFunc(todo, func(worker int) bool { return v.rank(a.Config, worker) > 1 })
	}
	if len(todo) == 0 {
		if err := a.retire(ctx); err != nil {
			return false, err
		}
		return true, missing
	}
	// Those that do not serve anyway go first.
	slices.SortStableFunc(todo, func(x, y int) int { return v.rank(a.Config, x) - v.rank(a.Config, y) })
	a.publish(ctx)
	if batch := todo[:min(len(todo), a.beside())]; len(batch) > 0 {
		return false, a.startBeside(ctx, batch)
	}
	return false, a.replace(ctx, todo[0], false)
}

// awaitAll returns the first of the workers that is missing and may still come.
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

// rank is how much a worker would be missed.
func (v view) rank(c Config, worker int) int {
	o, ok := v.serving(c, worker)
	if !ok {
		return 0
	}
	return rank(o)
}

// beside is the number of workers that can start while all others run.
func (a *Agent) beside() int {
	if a.Config.Slots() == a.Config.Workers {
		return 0
	}
	return max(0, a.Workers.Memory()) / max(1, a.Config.MemoryMiB)
}

// startBeside starts workers in their free slots and waits until they are ready
// and have been for a while. Only then the others of the same numbers end.
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
	if err := a.steady(ctx, slots); err != nil {
		return err
	}
	return a.retire(ctx)
}

// free is a slot of the worker in which nothing runs. One whose process drains
// is waited for.
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
		// Rather the one that drains, or does not serve.
		if best == nil || rank(o) < rank(*best) {
			best = &o
		}
	}
	if err := a.end(ctx, *best); err != nil {
		return 0, err
	}
	return best.slot, a.gone(ctx, best.slot)
}

// rank is how much an occupant would be missed.
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

// replace ends what runs for the worker and starts another in its place. It
// takes the machine one worker, so all others must serve that can. A worker that
// is on its way by now is left alone, unless it is hung.
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

// notUp is the error of a worker that had its time to come up.
func (a *Agent) notUp(ctx context.Context, slot int, current service.ReleaseID) error {
	// A supervisor that died meanwhile is not the release's fault.
	if _, err := a.Supervisor.Slots(ctx); err != nil {
		return fmt.Errorf("no worker can be started: %w", err)
	}
	return workerError{slot: slot, final: true, reason: fmt.Sprintf("worker %d does not come up with %s", a.Config.Worker(slot), current.Describe())}
}

// steady waits for as long as new workers must stay ready, and looks again.
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

// unhealthyFor is how long the health path of a worker may fail before it is
// started again. Only the health path can have a worker restarted: one that is
// healthy and not ready waits for something that a restart does not bring.
const unhealthyFor = 15 * time.Second

// await is for a worker whose process runs the current release and is not ready.
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
	// One that just died may be on its way back, by the supervisor's hand.
	isGood := until(ctx, a.Clock, patience, lookEvery, func() bool {
		if v, err = a.view(ctx); err != nil {
			return true
		}
		c, ok := v.candidate(a.Config, worker)
		if !ok {
			// It is no longer on its way: the next round starts another.
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
		return workerError{slot: last.slot, reason: fmt.Sprintf("worker %d is not ready, and its %s answers 200: something that it needs is missing", worker, a.Config.HealthPath)}
	}
	if last.State == SlotBackoff {
		return workerError{slot: last.slot, reason: fmt.Sprintf("worker %d does not come up with %s", worker, v.current.Describe())}
	}
	if a.unhealthy == nil {
		a.unhealthy = map[int]time.Duration{}
	}
	now := a.Clock.Elapsed()
	since, ok := a.unhealthy[last.slot]
	if !ok {
		since = now
		a.unhealthy[last.slot] = now
	}
	if now-since >= max(unhealthyFor, time.Duration(a.Config.Start)) {
		a.recovered(last.slot)
		a.Log.Warn("worker does not answer and is started again", "worker", worker)
		if a.beside() > 0 {
			return a.startBeside(ctx, []int{worker})
		}
		return a.replace(ctx, worker, true)
	}
	return workerError{slot: last.slot, reason: fmt.Sprintf("worker %d does not answer %s", worker, a.Config.HealthPath)}
}

func (a *Agent) recovered(slot int) { delete(a.unhealthy, slot) }

// patience is how long a round waits for a worker that may be on its way.
func (a *Agent) patience() time.Duration { return min(3*time.Second, time.Duration(a.Config.Start)) }

// retire ends every process that is not needed: where a worker is good, all
// others of its number.
func (a *Agent) retire(ctx context.Context) error {
	if err := a.handOver(ctx); err != nil {
		return err
	}
	v, err := a.view(ctx)
	if err != nil {
		return err
	}
	if err := a.forgetEnded(v); err != nil {
		return err
	}
	for worker := range a.Config.Workers {
		keep, ok := v.candidate(a.Config, worker)
		if !ok || !v.good(keep) {
			continue
		}
		for _, o := range v.of(a.Config, worker) {
			if o.slot == keep.slot || o.orphan == nil && (o.Down() || o.State == SlotStopping) {
				continue
			}
			if err := a.end(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// handOver leads the proxy to the supervisor's socket once a worker of the
// current release serves there.
func (a *Agent) handOver(ctx context.Context) error {
	if a.Config.Mode != service.WorkersShared {
		return nil
	}
	done, err := a.Supervisor.HandedOver(ctx)
	if err != nil || done {
		return err
	}
	v, err := a.view(ctx)
	if err != nil {
		return err
	}
	for _, o := range v.slots {
		if v.good(o) {
			return a.Supervisor.HandOver(ctx)
		}
	}
	return nil
}

// end tells an occupant to end. An orphan is told once, and killed when it has
// not ended by then.
func (a *Agent) end(ctx context.Context, o occupant) error {
	switch {
	case o.orphan != nil:
		return a.endOrphan(ctx, *o.orphan)
	case o.State == SlotStopping || o.Down():
		return nil
	}
	at, err := a.told(o.Process)
	if err != nil {
		return err
	}
	if err := a.Supervisor.Stop(ctx, o.slot); err != nil {
		return errors.Join(fmt.Errorf("ending worker %d: %w", a.Config.Worker(o.slot), err), a.untold(o.Process, at))
	}
	return nil
}

// told notes that a process is told to end, and returns when it was told first,
// in seconds since 1970; 0 for never before.
func (a *Agent) told(process string) (int64, error) {
	if process == "" {
		return 0, nil
	}
	name := path.Join(endedFolder, process)
	at, err := recall[int64](a.Disk, name)
	if err != nil || at != 0 {
		return at, err
	}
	return 0, a.remember(name, a.Clock.Now().Unix())
}

// untold takes the note back where the process could not be told, and was not
// before either.
func (a *Agent) untold(process string, at int64) error {
	if process == "" || at != 0 {
		return nil
	}
	return a.forget(path.Join(endedFolder, process))
}

// forgetEnded removes the notes about processes that are gone.
func (a *Agent) forgetEnded(v view) error {
	notes, err := a.Disk.List(endedFolder)
	if err != nil {
		return fmt.Errorf("looking for processes that were told to end: %w", err)
	}
	for _, note := range notes {
		if !slices.ContainsFunc(v.slots, func(o occupant) bool {
			return o.Process == note.Name || o.orphan != nil && o.orphan.Process == note.Name
		}) {
			if err := a.forget(path.Join(endedFolder, note.Name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Agent) endOrphan(ctx context.Context, o Orphan) error {
	at, err := a.told(o.Process)
	if err != nil {
		return err
	}
	now := a.Clock.Now().Unix()
	switch {
	case at == 0:
		if err = a.Supervisor.End(ctx, o); err != nil {
			err = errors.Join(err, a.untold(o.Process, at))
		}
	case now < at, time.Duration(now-at)*time.Second > time.Duration(a.Config.Stop):
		err = a.Supervisor.Kill(ctx, o)
	}
	if err != nil {
		return fmt.Errorf("ending a worker whose supervisor died: %w", err)
	}
	return nil
}

// stopMargin is what the supervisor may take to notice that a process has ended.
const stopMargin = 5 * time.Second

// gone waits until nothing runs in a slot.
func (a *Agent) gone(ctx context.Context, slot int) error {
	var err error
	isGone := until(ctx, a.Clock, time.Duration(a.Config.Stop)+stopMargin, lookEvery, func() bool {
		var slots []Slot
		var orphans []Orphan
		if slots, err = a.Supervisor.Slots(ctx); err != nil {
			return true
		}
		if orphans, err = a.Supervisor.Orphans(ctx); err != nil {
			return true
		}
		for _, o := range orphans {
			if o.Slot == slot {
				err = a.endOrphan(ctx, o)
				return err != nil
			}
		}
		return slots[slot].Down()
	})
	if err != nil {
		return err
	}
	if !isGone {
		return workerError{slot: slot, reason: fmt.Sprintf("worker %d has not ended within %s", a.Config.Worker(slot), time.Duration(a.Config.Stop)+stopMargin)}
	}
	return nil
}
