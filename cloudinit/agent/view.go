package agent

import (
	"context"
	"fmt"
	"time"

	"escala/service"
)

// occupant is the content of a slot.
type occupant struct {
	slot int
	Slot
	// orphan is the slot's orphan, or nil.
	orphan *Orphan
	// answers is the release that the worker reports. ready reports whether its
	// ready path answers 200.
	answers service.ReleaseID
	ready   bool
	// healthy reports whether the health path answers 200.
	healthy bool
}

// alive reports whether a process runs and was not told to end.
func (o occupant) alive() bool { return o.orphan != nil || o.Alive() }

// view is the state of the machine's workers at one moment.
type view struct {
	slots   []occupant
	current service.ReleaseID
	// rolling means that the last change of current is recent.
	rolling bool
	// replaced holds the processes that an unfinished restart replaces.
	replaced []string
	// at is the time, by Clock.Elapsed, before the first question.
	at time.Duration
}

// freshFor is the time for which a view may be used again, if nothing was changed
// since. At rest, one view serves a whole round.
const freshFor = 500 * time.Millisecond

// recentView returns the view of the round's last step if it is still right,
// otherwise a new one.
func (a *Agent) recentView(ctx context.Context) (view, error) {
	v := a.lastView
	a.lastView = nil
	if v != nil && a.Clock.Elapsed()-v.at < freshFor {
		return *v, nil
	}
	return a.view(ctx)
}

// view collects the state from the supervisor and the workers.
func (a *Agent) view(ctx context.Context) (view, error) {
	began := a.Clock.Elapsed()
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
	v := view{current: a.current(), replaced: a.replaced, at: began}
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

// ofWorker returns the slots of one worker.
func (v view) ofWorker(c Config, worker int) []occupant {
	var out []occupant
	for _, o := range v.slots {
		if c.Worker(o.slot) == worker {
			out = append(out, o)
		}
	}
	return out
}

// good reports whether the occupant is a correct worker.
func (v view) good(o occupant) bool {
	return o.orphan == nil && o.Alive() && o.ready && o.answers == v.current && !v.replaces(o)
}

// candidate returns the occupant that is, or becomes, the worker: a good one,
// otherwise a starting process of the current release.
func (v view) candidate(c Config, worker int) (occupant, bool) {
	slots := v.ofWorker(c, worker)
	for _, o := range slots {
		if v.good(o) {
			return o, true
		}
	}
	for _, o := range slots {
		// After a switch, a process that failed before the switch is not a
		// candidate.
		if o.orphan != nil || o.State == SlotStopping || o.Down() || o.State == SlotBackoff && v.rolling || v.replaces(o) {
			continue
		}
		// A process without a release is about to run the current one.
		if o.Release == v.current || o.Release == "" {
			return o, true
		}
	}
	return occupant{}, false
}

// serving returns the occupant that serves for a worker now, with any release.
func (v view) serving(c Config, worker int) (occupant, bool) {
	var found occupant
	ok := false
	for _, o := range v.ofWorker(c, worker) {
		if o.alive() && (!ok || v.good(o) && !v.good(found) || o.ready && !found.ready) {
			found, ok = o, true
		}
	}
	return found, ok
}
