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

// retire ends all unneeded processes. If a worker has a good process, these are
// all its other processes. It returns those that have not ended yet.
func (a *Agent) retire(ctx context.Context) (ending []occupant, err error) {
	return a.retireAfter(ctx, view{}, true)
}

// retireAfter is retire with a view that is still right. If stale is true, it takes
// a new view.
func (a *Agent) retireAfter(ctx context.Context, v view, stale bool) (ending []occupant, err error) {
	if err := a.handOver(ctx); err != nil {
		return nil, err
	}
	if stale {
		if v, err = a.view(ctx); err != nil {
			return nil, err
		}
	}
	if err := a.forgetEnded(v); err != nil {
		return nil, err
	}
	var unneeded []occupant
	var slots []int
	for worker := range a.Config.Workers {
		keep, ok := v.candidate(a.Config, worker)
		if !ok || !v.good(keep) {
			continue
		}
		for _, o := range v.ofWorker(a.Config, worker) {
			if o.slot == keep.slot || o.orphan == nil && o.Down() {
				continue
			}
			ending = append(ending, o)
			if o.orphan == nil && o.State == SlotStopping {
				continue
			}
			unneeded, slots = append(unneeded, o), append(slots, o.slot)
		}
	}
	// They drain at the same time. Each then ends without a further wait.
	if err := a.drain(ctx, slots...); err != nil {
		return nil, err
	}
	for _, o := range unneeded {
		if err := a.end(ctx, o); err != nil {
			return nil, err
		}
	}
	return ending, nil
}

// unused waits until the proxy has no connection left over which a process that ends
// could answer a new request. Workers of one socket answer the last request of each
// connection, with their own release, and close it. The proxy closes connections
// that are idle after Config.Idle. A release serves only after that.
func (a *Agent) unused(ctx context.Context, ending []occupant) error {
	now := a.Clock.Elapsed()
	endingSince := map[string]time.Duration{}
	var wait time.Duration
	for _, o := range ending {
		process := o.Process
		if o.orphan != nil {
			process = o.orphan.Process
		}
		began, ok := a.ending[process]
		if !ok {
			began = now
		}
		endingSince[process] = began
		wait = max(wait, began+time.Duration(a.Config.Idle)+pollInterval-now)
	}
	a.ending = endingSince
	if a.Config.Mode != service.WorkersShared || wait <= 0 {
		return nil
	}
	if err := a.Clock.Sleep(ctx, wait); err != nil {
		return fmt.Errorf("waiting for the end of the workers before: %w", err)
	}
	return nil
}

// handOver switches the proxy to the supervisor's socket once a worker of the
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

// handOverFirst hands over as soon as a worker of the machine's first release is
// ready. Nothing serves before it, so waiting until the worker has been ready for a
// while would help no client.
func (a *Agent) handOverFirst(ctx context.Context) error {
	rolling, err := recall[roll](a.Disk, rollFile)
	if err != nil || rolling.To == "" || rolling.From != "" {
		return err
	}
	return a.handOver(ctx)
}

// end asks an occupant to end. It asks an orphan once, and kills it if it has
// not ended in time.
func (a *Agent) end(ctx context.Context, o occupant) error {
	if o.alive() {
		if err := a.drain(ctx, o.slot); err != nil {
			return err
		}
	}
	switch {
	case o.orphan != nil:
		return a.endOrphan(ctx, *o.orphan)
	case o.State == SlotStopping || o.Down():
		return nil
	}
	at, err := a.recordStop(o.Process)
	if err != nil {
		return err
	}
	if err := a.Supervisor.Stop(ctx, o.slot); err != nil {
		return errors.Join(fmt.Errorf("ending worker %d: %w", a.Config.Worker(o.slot), err), a.removeStopRecord(o.Process, at))
	}
	return nil
}

// recordStop records that a process is told to end. It returns the time of the first
// record, in seconds since 1970, or 0 if there was none.
func (a *Agent) recordStop(process string) (int64, error) {
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

// removeStopRecord removes the record of a process that could not be told, unless the
// record is older.
func (a *Agent) removeStopRecord(process string, at int64) error {
	if process == "" || at != 0 {
		return nil
	}
	return a.forget(path.Join(endedFolder, process))
}

// forgetEnded removes the records of processes that have ended.
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
	at, err := a.recordStop(o.Process)
	if err != nil {
		return err
	}
	now := a.Clock.Now().Unix()
	switch {
	case at == 0:
		if err = a.Supervisor.End(ctx, o); err != nil {
			err = errors.Join(err, a.removeStopRecord(o.Process, at))
		}
	case now < at, time.Duration(now-at)*time.Second > time.Duration(a.Config.Stop):
		err = a.Supervisor.Kill(ctx, o)
	}
	if err != nil {
		return fmt.Errorf("ending a worker whose supervisor died: %w", err)
	}
	return nil
}

// stopMargin is the time that the supervisor may take to notice the end of a
// process.
const stopMargin = 5 * time.Second

// awaitDown waits until no process runs in a slot.
func (a *Agent) awaitDown(ctx context.Context, slot int) error {
	var err error
	down := until(ctx, a.Clock, time.Duration(a.Config.Stop)+stopMargin, pollInterval, func() bool {
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
	if !down {
		return workerError{slot: slot, reason: fmt.Sprintf("worker %d has not ended within %s", a.Config.Worker(slot), time.Duration(a.Config.Stop)+stopMargin)}
	}
	return nil
}
