package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"escala/cloudinit/agent/store"
	"escala/service"
	"escala/service/machine"
)

// The release command runs once for each release, on one of the stack's machines.
// Two machines follow one store while one replaces the other, so the store has a
// record of each run:
//
//   - A machine creates the record before it starts the command. Another machine
//     that finds the record waits.
//   - A command continues when the agent ends. If its end is unknown, because the
//     machine went down, the run is interrupted, and the release is refused.
//   - A release whose run failed or was interrupted is refused until another
//     update asks for it. That is another run, with a record of its own.
//   - Once a run has succeeded, the release needs no other.

const (
	// runSettle is longer than a write of the store normally takes. A bucket that
	// does not support conditional writes keeps the last of two records.
	runSettle = 2 * time.Second
	// runLease is the time beyond Config.ReleaseTimeout after which a run without a
	// recorded end counts as lost with its machine.
	runLease = time.Minute
	// commandPollInterval is the pause between two rounds while a command runs.
	commandPollInterval = time.Second
)

// prepare makes sure that the command of the wanted release has succeeded. It
// returns false while the command runs, and if the release is refused for it.
func (a *Agent) prepare(ctx context.Context) (bool, error) {
	if a.wanted.Command == "" {
		return true, nil
	}
	run := CommandRun{Release: a.wanted.ID, Command: a.wanted.Command, RequestedAt: a.wanted.RequestedAt}
	command := service.ReleaseCommand{Command: a.Config.ReleaseCommand}
	if a.Commands == nil || run.Command != command.Digest() {
		return false, fmt.Errorf("release %s needs the release command of another description than this machine's: the machine that replaces this one runs it", run.Release.Short())
	}
	// A run that has just ended must be recorded before another can begin.
	local, err := a.follow(ctx)
	if err != nil {
		return false, err
	}
	if local.Running {
		a.preparing("the release command of release %s runs", local.Release.Short())
		return false, nil
	}
	if _, done, err := readShared[runRecord](ctx, a.Shared, run.succeededKey()); err != nil || done {
		return done, err
	}
	record, exists, err := readShared[runRecord](ctx, a.Shared, run.key())
	switch {
	case err != nil:
		return false, err
	case !exists:
		return false, a.claim(ctx, run)
	case record.Phase == runFailed, record.Phase == runInterrupted:
		a.refuseRun(run, record)
		return false, nil
	case record.Machine != a.MachineID:
		return false, a.awaitOther(ctx, run, record)
	case record.Boot != a.Commands.Boot():
		return false, a.conclude(ctx, run, record, nil)
	default:
		// The agent ended before it had started the command.
		return false, a.start(ctx, run)
	}
}

// preparing sets the phase while a command runs.
func (a *Agent) preparing(format string, args ...any) {
	a.phase, a.reason = machine.Rolling, fmt.Sprintf(format, args...)
}

// claim creates the record of a run, and starts its command.
func (a *Agent) claim(ctx context.Context, run CommandRun) error {
	if waits, err := a.runsElsewhere(ctx); err != nil || waits {
		return err
	}
	record := runRecord{Machine: a.MachineID, Boot: a.Commands.Boot(), Phase: runBegun, Began: a.Clock.Now().Unix()}
	err := a.Shared.Create(ctx, run.key(), encode(record))
	if errors.Is(err, store.ErrExists) {
		a.preparing("another machine runs the release command of release %s", run.Release.Short())
		return nil
	}
	if err != nil {
		return fmt.Errorf("recording the release command: %w", err)
	}
	return a.start(ctx, run)
}

// runsElsewhere reports whether another machine runs a command, of any release.
func (a *Agent) runsElsewhere(ctx context.Context) (bool, error) {
	latest, exists, err := readShared[latestRun](ctx, a.Shared, latestKey)
	if err != nil || !exists || latest.Machine == a.MachineID {
		return false, err
	}
	other, exists, err := readShared[runRecord](ctx, a.Shared, latest.key())
	if err != nil || !exists || other.Phase != runBegun || a.expired(latest.CommandRun, other) {
		return false, err
	}
	a.preparing("machine %s runs the release command of release %s", latest.Machine, latest.Release.Short())
	return true, nil
}

// start starts the command of a run whose record this machine has created. The
// machine names its run as the stack's latest and checks that again after a while.
// If two machines have a run each, the last one begins, and the other waits.
func (a *Agent) start(ctx context.Context, run CommandRun) error {
	if waits, err := a.runsElsewhere(ctx); err != nil || waits {
		return err
	}
	own := latestRun{run, a.MachineID}
	if err := a.Shared.Write(ctx, latestKey, encode(own)); err != nil {
		return fmt.Errorf("recording the release command: %w", err)
	}
	if err := a.Clock.Sleep(ctx, runSettle); err != nil {
		return fmt.Errorf("waiting for the record of the release command: %w", err)
	}
	latest, _, err := readShared[latestRun](ctx, a.Shared, latestKey)
	if err != nil {
		return err
	}
	record, _, err := readShared[runRecord](ctx, a.Shared, run.key())
	if err != nil {
		return err
	}
	if latest != own || record.Machine != a.MachineID || record.Boot != a.Commands.Boot() || record.Phase != runBegun {
		a.preparing("another machine runs a release command")
		return nil
	}
	// Another machine's run may have succeeded since the first look.
	if _, done, err := readShared[runRecord](ctx, a.Shared, run.succeededKey()); err != nil || done {
		a.preparing("another machine has run the release command of release %s", run.Release.Short())
		return err
	}
	// The disk may have changed since the preflight.
	program, err := a.verify(a.wanted.Release)
	if err != nil {
		return fmt.Errorf("running the release command of release %s: %w", run.Release.Short(), err)
	}
	if err := a.Commands.Start(ctx, run, program); err != nil {
		return fmt.Errorf("running the release command of release %s: %w", run.Release.Short(), err)
	}
	a.commandRuns = true
	a.Log.Info("the release command runs", "release", run.Release.Short())
	a.preparing("the release command of release %s runs", run.Release.Short())
	return nil
}

// awaitOther waits for another machine's run, and gives it up after its time.
func (a *Agent) awaitOther(ctx context.Context, run CommandRun, record runRecord) error {
	if !a.expired(run, record) {
		a.preparing("machine %s runs the release command of release %s", record.Machine, run.Release.Short())
		return nil
	}
	return a.conclude(ctx, run, record, nil)
}

// otherRun is another machine's run, and the time, by Clock.Elapsed, at which this
// machine first saw it. Clocks of machines differ.
type otherRun struct {
	run     CommandRun
	machine string
	since   time.Duration
}

// expired reports whether the run must have ended, or its machine.
func (a *Agent) expired(run CommandRun, record runRecord) bool {
	now := a.Clock.Elapsed()
	if a.other.run != run || a.other.machine != record.Machine {
		a.other = otherRun{run, record.Machine, now}
	}
	return now-a.other.since >= time.Duration(a.Config.ReleaseTimeout)+runLease
}

// follow returns the last run of this machine. If it has ended, its end is
// recorded.
func (a *Agent) follow(ctx context.Context) (CommandState, error) {
	if a.Commands == nil {
		return CommandState{}, nil
	}
	local, err := a.Commands.Last(ctx)
	if err != nil {
		return local, err
	}
	a.commandRuns = local.Running
	if local.Running || local.Release == "" || local.CommandRun == a.recorded {
		return local, nil
	}
	record, exists, err := readShared[runRecord](ctx, a.Shared, local.key())
	if err != nil {
		return local, err
	}
	if exists && record.Machine == a.MachineID && record.Phase == runBegun {
		if err := a.conclude(ctx, local.CommandRun, record, local.End); err != nil {
			return local, err
		}
	}
	a.recorded = local.CommandRun
	return local, nil
}

// conclude records the end of a run. end is nil for an unknown one.
func (a *Agent) conclude(ctx context.Context, run CommandRun, record runRecord, end *CommandEnd) error {
	record.End = end
	switch {
	case end == nil, end.Reason == CommandShutDown:
		record.Phase = runInterrupted
	case end.Reason == "" && end.Status == 0:
		record.Phase = runSucceeded
	default:
		record.Phase = runFailed
	}
	if record.Phase == runSucceeded {
		if err := a.Shared.Write(ctx, run.succeededKey(), encode(record)); err != nil {
			return fmt.Errorf("recording the end of the release command: %w", err)
		}
	}
	if err := a.Shared.Write(ctx, run.key(), encode(record)); err != nil {
		return fmt.Errorf("recording the end of the release command: %w", err)
	}
	a.Log.Info("the release command has ended", "release", run.Release.Short(), "phase", record.Phase)
	a.preparing("the release command of release %s has ended", run.Release.Short())
	return nil
}

// refuseRun refuses the release whose command failed.
func (a *Agent) refuseRun(run CommandRun, record runRecord) {
	end := CommandEnd{}
	if record.End != nil {
		end = *record.End
	}
	var reason string
	switch {
	case record.Phase == runInterrupted:
		reason = fmt.Sprintf("was interrupted on machine %s, and whether it did its work is unknown: look at what it changes before the next update, which runs it again", cmp.Or(record.Machine, "unknown"))
	case end.Reason == CommandTimedOut:
		reason = fmt.Sprintf("has not ended within %s and was killed", time.Duration(a.Config.ReleaseTimeout))
	case end.Reason == CommandOutOfMemory:
		reason = fmt.Sprintf("used more than %d MiB of memory and was killed", a.Config.MemoryMiB)
	case end.Reason == CommandNotStarted:
		reason = "cannot be started"
	default:
		reason = fmt.Sprintf("ends with status %d", end.Status)
	}
	if record.Phase == runFailed {
		reason += "; the next update runs it again"
	}
	a.refuse(refusal{
		Release: run.Release, RequestedAt: run.RequestedAt, ByCommand: true, Output: end.Output,
		Reason: fmt.Sprintf("release %s is refused: its release command %s", run.Release.Short(), reason),
	})
}
