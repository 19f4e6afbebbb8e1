// Package agent runs on a machine the release that the release store's pointer
// names, and restarts workers that fail.
//
// A round checks the machine's state and does the missing steps: fetch, verify,
// install beside the other releases, preflight, switch the symlink, replace the
// workers. It does not matter where the previous round was interrupted. The first
// failure switches back. The agent remembers only two things between rounds: the
// release that a roll came from, and the refused release.
//
// The agent uses the machine only through interfaces, so tests can run its
// whole life in memory.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"escala/service"
	"escala/service/machine"
)

// Agent is the machine's own program. All fields are required, except those
// marked as optional.
type Agent struct {
	Config     Config
	Store      Store
	Disk       Disk
	Supervisor Supervisor
	Workers    Workers
	Clock      Clock
	Log        *slog.Logger
	// MachineID is the cloud's own id of the machine.
	MachineID string
	// Secrets reads the service's secrets. Optional.
	Secrets Secrets
	// Certificates obtains and renews the machine's certificates. Optional.
	Certificates Certificates
	// Shared holds the records of release commands, and Commands runs the commands.
	// Both are nil for a machine without a release command.
	Shared   Shared
	Commands Commands
	// Proxy sends requests to workers without escala's runtime. It is nil for
	// workers with it.
	Proxy Proxy
	// Address returns the public address of the machine's outgoing connections, or
	// "" if it has none. Optional.
	Address func(context.Context) (string, error)
	// Requests answers an operator's requests. Optional.
	Requests Requests
	// Metrics answers the proxy's scrapers. Optional.
	Metrics Metrics
	// Maintenance reports whether the proxy answers with a page instead of the
	// service. Optional.
	Maintenance func() bool
	// Processes starts the service's processes beside the workers. It is nil for a
	// service without them.
	Processes Processes
	// Schedules starts the timers of the service's schedules. It is nil for a
	// service without them.
	Schedules Schedules
	// Traffic counts the proxy's answers, and workers that end by themselves. It is
	// nil for a machine whose releases are not watched.
	Traffic Traffic
	// Boot identifies the machine's current boot.
	Boot string
	// Incident returns the last resolved problem of this machine. Optional.
	Incident func(context.Context) string
	// Reporter takes each status. Optional.
	Reporter Reporter

	started bool // the secrets were read since the agent started
	timed   bool // the schedules' timers were started
	wanted  service.Wanted
	// prepared is the release that has passed its preflight and waits for its
	// command.
	prepared  service.Wanted
	phase     machine.Phase
	reason    string
	attempts  int
	logged    string // the last reason that was logged
	refusal   refusal
	unwritten bool              // the refusal is not on the disk
	unhealthy map[int]unhealthy // by slot
	// ending holds the time, by Clock.Elapsed, at which a process was first seen to
	// end.
	ending      map[string]time.Duration
	routed      map[int]string // the processes that the proxy sends requests to, by slot
	reported    report
	commandRuns bool       // on this machine
	recorded    CommandRun // its end is in the store
	other       otherRun   // that this machine waits for
	// lastView is the view of the round's last step, if that step changed nothing.
	lastView *view
	restarts restarts
	moved    move
	// addressChecked is the time, by Clock.Elapsed, of the last check of the address.
	addressChecked time.Duration
	// replaced are the processes that an unfinished restart replaces.
	replaced []string
	watched  watched
}

// Round checks the machine once and does the missing steps. It returns the status
// that it published.
func (a *Agent) Round(ctx context.Context) machine.Status {
	a.phase, a.reason, a.lastView = machine.Serving, "", nil
	for _, folder := range []string{runFolder, endedFolder, stateFolder, releasesFolder} {
		if err := a.Disk.MakeFolder(folder); err != nil {
			a.failing(folder, fmt.Errorf("making %s: %w", folder, err))
		}
	}
	if err := a.recallBake(); err != nil {
		a.failing(stateFolder, err)
	}
	if a.loadSecrets(ctx) {
		if _, err := a.follow(ctx); err != nil {
			a.failing(stateFolder, err)
		}
		a.followStore(ctx)
		a.checkAddress(ctx)
		a.beginRestart(ctx)
		a.serve(ctx)
		a.watch(ctx)
		a.pruneReleases()
		a.startTimers(ctx)
	}
	if a.phase == machine.Failing {
		a.attempts++
	} else {
		a.attempts, a.logged = 0, ""
	}
	return a.publish(ctx)
}

// loadSecrets reads the secrets once after the agent's start. If that fails,
// secrets that are still in memory from an earlier run are good enough.
func (a *Agent) loadSecrets(ctx context.Context) bool {
	if a.Secrets == nil || a.started {
		return true
	}
	if err := a.Secrets.Read(ctx); err != nil {
		if !a.Secrets.Loaded() {
			a.failing(stateFolder, err)
			return false
		}
		a.Log.Warn("using the secrets of an earlier run", "error", err)
		return true
	}
	a.started = true
	return true
}

// followStore reads the wanted release, and installs it if it is missing.
func (a *Agent) followStore(ctx context.Context) {
	wanted, err := a.Store.Current(ctx)
	if err != nil {
		a.failing(stateFolder, err)
		return
	}
	a.wanted = wanted
	if a.prepared != wanted {
		a.prepared = service.Wanted{}
	}
	remembered, err := recall[refusal](a.Disk, refusalFile)
	if err != nil {
		a.failing(stateFolder, err)
		return
	}
	// A refusal that is not on the disk is valid until the agent ends.
	if remembered.Release != "" || !a.unwritten {
		a.refusal, a.unwritten = remembered, false
	}
	rolling, err := recall[roll](a.Disk, rollFile)
	if err != nil {
		a.failing(stateFolder, err)
		return
	}
	if rolling.To != "" && rolling.To != a.current() && !rolling.Failed {
		// The agent ended before the switch, so nothing was rolled.
		if err := a.forget(rollFile); err != nil {
			a.failing(stateFolder, err)
			return
		}
		rolling = roll{}
	}
	switch {
	case rolling.To != "", a.bakeFailed(a.current()):
		// A roll that goes forward or back is finished first, even if another
		// release is wanted by now.
	case a.refusal.refuses(a.wanted) && (a.wanted.ID == a.current() || !a.refusal.due(a.Config, a.Clock.Now())):
		a.phase, a.reason = machine.Refused, a.refusal.Reason
	case a.wanted.ID != a.current():
		a.install(ctx)
	}
}

// serve brings the workers to the current release, and ends a roll.
func (a *Agent) serve(ctx context.Context) {
	current := a.current()
	if current == "" {
		return
	}
	rolling, err := recall[roll](a.Disk, rollFile)
	if err != nil {
		a.failing(stateFolder, err)
		return
	}
	if rolling.Failed {
		// The agent ended before it had switched back to the other release.
		a.goBack(ctx, rolling)
		return
	}
	if rolling.To == "" && a.bakeFailed(current) {
		// The agent ended before it had begun to go back.
		a.switchBack(ctx)
		return
	}
	if rolling.To != "" {
		a.phase, a.reason = machine.Rolling, "rolling to "+current.Describe()
	}
	restarting := a.restarting()
	if restarting && a.phase == machine.Serving {
		a.phase, a.reason = machine.Rolling, "restarting all workers"
	}
	err = a.update(ctx, rolling)
	var worker workerError
	switch {
	case err == nil:
		a.settled(current, rolling)
		if restarting {
			err = a.endRestart("")
		}
	case errors.As(err, &worker) && worker.final && rolling.To == current:
		a.giveUp(ctx, rolling, worker)
		err = nil
	case errors.As(err, &worker) && worker.final && restarting:
		err = a.endRestart(worker.Error())
	case a.phase == machine.Refused:
		// The refusal stays the reason in the status.
		err = nil
	}
	if err != nil {
		a.failing(stateFolder, err)
	}
}

// startTimers starts the schedules' timers once a release serves. A timer starts
// a run at once if it was due while the machine was off.
func (a *Agent) startTimers(ctx context.Context) {
	if a.Schedules == nil || a.timed || settledRelease(a.Disk) == "" {
		return
	}
	if err := a.Schedules.StartTimers(ctx); err != nil {
		a.failing(stateFolder, fmt.Errorf("starting the schedules' timers: %w", err))
		return
	}
	a.timed = true
}

// pruneReleases removes old releases, unless a roll or a bake may go back to one, or one waits
// for its command.
func (a *Agent) pruneReleases() {
	if a.prepared.ID != "" {
		return
	}
	rolling, err := recall[roll](a.Disk, rollFile)
	if err == nil && rolling.To == "" && a.watched.bake.To == "" {
		err = a.prune(a.current())
	}
	if err != nil && a.phase == machine.Serving {
		a.failing(releasesFolder, err)
	}
}

// failing records a problem. The next round tries again.
func (a *Agent) failing(place string, err error) {
	reason := err.Error()
	if disk := diskReason(a.Disk, place, err); disk != "" {
		reason = disk + " (" + reason + ")"
	}
	a.phase = machine.Failing
	if a.logged != reason {
		a.logged = reason
		a.Log.Warn("the round failed", "reason", reason)
	}
	a.reason = reason
}
