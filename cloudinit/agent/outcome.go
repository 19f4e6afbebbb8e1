package agent

import (
	"cmp"
	"context"
	"fmt"

	"escala/service"
	"escala/service/machine"
)

// A roll has two outcomes: the release serves on all workers, or it is refused and
// the machine goes back to the release before.

// settled runs when all workers serve the current release.
func (a *Agent) settled(current service.ReleaseID, rolling roll) {
	// Both are recorded before the roll ends, because a power cut may lose the last
	// writes.
	a.recordServed(current)
	if rolling.To != "" {
		if err := a.beginBake(rolling); err != nil {
			a.failing(stateFolder, err)
			return
		}
		if err := a.forget(rollFile); err != nil {
			a.failing(stateFolder, err)
			return
		}
		a.Log.Info("release serves on all workers", "release", current.Short())
		if a.phase == machine.Rolling {
			a.phase, a.reason = machine.Serving, ""
		}
	}
	if a.refusal.Release != "" && (a.refusal.Release == current || a.refusal.Release != a.wanted.ID && a.wanted.ID == current) {
		if err := a.forget(refusalFile); err != nil {
			a.failing(stateFolder, err)
			return
		}
		a.refusal, a.unwritten = refusal{}, false
		if a.phase == machine.Refused {
			a.phase, a.reason = machine.Serving, ""
		}
	}
}

// giveUp refuses the release that a roll went to, and goes back.
func (a *Agent) giveUp(ctx context.Context, rolling roll, worker workerError) {
	var output string
	if worker.instance != (Instance{}) {
		output = a.Processes.LastLines(ctx, worker.instance)
	} else {
		output = a.Workers.LastLines(worker.slot)
	}
	a.refuse(refusal{Release: rolling.To, Reason: worker.Error(), Output: output, RequestedAt: rolling.RequestedAt, AsWorker: true, AsProcess: worker.instance != Instance{}})
	rolling.Failed = true
	if err := a.remember(rollFile, rolling); err != nil {
		a.Log.Error("recording the end of the roll failed", "error", err)
	}
	a.goBack(ctx, rolling)
}

// goBack switches to the release that the roll came from.
func (a *Agent) goBack(ctx context.Context, rolling roll) {
	a.phase, a.reason = machine.Refused, cmp.Or(a.refusal.Reason, "release "+rolling.To.Short()+" does not serve")
	from := service.Release{ID: rolling.From}
	if from.ID.Valid() && from.ID != rolling.To {
		if _, err := a.verify(from); err != nil {
			a.failing(releasesFolder, fmt.Errorf("going back to release %s: %w", from.Short(), err))
			return
		}
		if err := a.switchTo(from.ID); err != nil {
			a.failing(releasesFolder, err)
			return
		}
	}
	if err := a.forget(rollFile); err != nil {
		a.failing(stateFolder, err)
		return
	}
	if err := a.update(ctx, roll{}); err != nil {
		a.Log.Warn("the release before does not serve on all workers either", "error", err)
	}
}

// refuse records that the release does not serve.
func (a *Agent) refuse(r refusal) {
	r.At = a.Clock.Now().Unix()
	a.refusal = r
	a.phase, a.reason = machine.Refused, r.Reason
	a.Log.Warn("release is refused", "release", r.Release.Short(), "reason", r.Reason)
	err := a.remember(refusalFile, a.refusal)
	a.unwritten = err != nil
	if err != nil {
		a.Log.Error("recording the refusal failed", "error", err)
	}
}
