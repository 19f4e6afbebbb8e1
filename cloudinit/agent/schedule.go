package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"time"

	"escala/service"
	"escala/service/cron"
)

// Schedule describes a command that runs at certain times.
type Schedule struct {
	Name string `json:"name"`
	// Cron has the times (see package cron).
	Cron      string   `json:"cron"`
	Command   []string `json:"command"`
	MemoryMiB int      `json:"memoryMiB"`
	// Timeout and Stop limit a run that is started by hand.
	Timeout Duration `json:"timeout"`
	Stop    Duration `json:"stop"`
}

// Schedules are the timers of the service's schedules.
type Schedules interface {
	// StartTimers starts all timers. It changes nothing if they run.
	StartTimers(ctx context.Context) error
}

// Claim is the last time of a schedule that a machine took for itself. A new machine
// reads it, so that it neither repeats a run nor forgets one.
type Claim struct {
	// Cron has the schedule's times as that machine knew them.
	Cron string `json:"cron"`
	// Time is in seconds since 1970.
	Time    int64  `json:"time"`
	Machine string `json:"machine"`
	// Try differs for each try to claim.
	Try string `json:"try"`
}

// Claims stores the claims of all machines of the stack.
type Claims interface {
	// Read returns the zero claim if there is none.
	Read(ctx context.Context, schedule string) (Claim, error)
	Write(ctx context.Context, schedule string, c Claim) error
}

const (
	// claimSettle is longer than a read and a write of the store normally take
	// together. The last writer of a claim has it, so two machines have the same
	// claim only if a write takes longer than this.
	claimSettle = 2 * time.Second
	// claimRetry is the pause after a store that did not answer.
	claimRetry = 5 * time.Second
	// maxClockLead is how far in the future a taken time may be. A time beyond that
	// was taken by a wrong clock.
	maxClockLead = time.Hour
	// missedLimit is the most missed times that are counted.
	missedLimit = 10_000
)

// Scheduler decides whether a schedule's command runs now. A timer starts it in a
// process of its own, which becomes the command. So a run does not depend on the
// agent or its restart.
type Scheduler struct {
	Schedule Schedule
	Disk     Disk
	Clock    Clock
	Claims   Claims
	Log      *slog.Logger
	// Machine is the machine's id. Boot is as in Agent.
	Machine, Boot string
	// NewID returns another text each time.
	NewID func() string
}

// Begin decides about the last time of the schedule. If this machine is to run it,
// Begin returns the release to run. It returns "" if another machine has the run, or
// if it is too late. The caller makes sure that no other run of the schedule is in
// progress.
//
// A time is taken before its run begins. A machine that ends in between loses the
// run, and none runs twice.
func (s *Scheduler) Begin(ctx context.Context) (service.ReleaseID, error) {
	times, err := cron.Parse(s.Schedule.Cron)
	if err != nil {
		return "", fmt.Errorf("schedule %s: %w", s.Schedule.Name, err)
	}
	began := s.Clock.Elapsed()
	for {
		release, err := s.try(ctx, times)
		if err == nil || ctx.Err() != nil || s.Clock.Elapsed()-began >= service.MaxLate {
			return release, err
		}
		s.Log.Warn("the run waits", "schedule", s.Schedule.Name, "error", err)
		if err := s.Clock.Sleep(ctx, claimRetry); err != nil {
			return "", fmt.Errorf("waiting for the release store: %w", err)
		}
	}
}

// try decides once. Its error is a temporary one.
func (s *Scheduler) try(ctx context.Context, times cron.Expression) (service.ReleaseID, error) {
	now := s.Clock.Now()
	due, ok := times.Last(now)
	if !ok {
		return "", nil
	}
	before, err := readRuns(s.Disk, s.Schedule.Name)
	if err != nil {
		return "", err
	}
	before.closeInterrupted(now)
	claim, err := s.Claims.Read(ctx, s.Schedule.Name)
	if err != nil {
		return "", fmt.Errorf("reading which runs of %s were taken: %w", s.Schedule.Name, err)
	}
	record := before
	record.Cron, record.Time = s.Schedule.Cron, due.Unix()
	last := s.last(before, claim, now, due)
	switch {
	case last.Time >= due.Unix() && last.Machine != s.Machine:
		record.Elsewhere = due.Unix()
		return "", s.write(record)
	case last.Time >= due.Unix():
		return "", nil
	case last.Cron == s.Schedule.Cron:
		record.countMissed(times, time.Unix(last.Time, 0), due)
	}
	if now.Sub(due) > service.MaxLate {
		record.addMissed(due)
		return "", s.write(record)
	}
	release := settledRelease(s.Disk)
	if release == "" {
		return "", errors.New("no release serves on this machine yet")
	}
	// The record protects the release on the disk, so it is written before the check
	// whether the release is still there.
	record.Running = &Run{Time: due.Unix(), Began: now.Unix(), Release: release, Boot: s.Boot}
	if err := s.write(record); err != nil {
		return "", err
	}
	mine, err := false, fmt.Errorf("release %s is not there", release.Short())
	if hasRelease(s.Disk, release) {
		mine, err = s.claim(ctx, due)
	}
	switch {
	case err != nil:
		// The run did not begin, so its time is free again.
		return "", errors.Join(err, s.write(before))
	case !mine:
		record.Running, record.Elsewhere = nil, due.Unix()
		return "", s.write(record)
	}
	return release, nil
}

// last returns the last time that was taken, by this machine or another one, or the
// zero claim.
func (s *Scheduler) last(record runs, claim Claim, now, due time.Time) Claim {
	last := Claim{}
	for _, taken := range []Claim{{Cron: record.Cron, Time: record.Time, Machine: s.Machine}, claim} {
		switch {
		case time.Unix(taken.Time, 0).Sub(now) > maxClockLead:
		case taken == claim && claim.Machine == s.Machine && claim.Time == due.Unix() && record.Time != claim.Time:
			// This machine claimed the time, but did not see that it had. It began
			// no run.
		case taken.Time > last.Time:
			last = taken
		}
	}
	return last
}

// claim takes a time for this machine. It returns false if another one has it.
func (s *Scheduler) claim(ctx context.Context, due time.Time) (bool, error) {
	own := Claim{Cron: s.Schedule.Cron, Time: due.Unix(), Machine: s.Machine, Try: s.NewID()}
	if err := s.Claims.Write(ctx, s.Schedule.Name, own); err != nil {
		return false, fmt.Errorf("taking the run of %s: %w", s.Schedule.Name, err)
	}
	if err := s.Clock.Sleep(ctx, claimSettle); err != nil {
		return false, fmt.Errorf("taking the run of %s: %w", s.Schedule.Name, err)
	}
	claim, err := s.Claims.Read(ctx, s.Schedule.Name)
	if err != nil {
		return false, fmt.Errorf("taking the run of %s: %w", s.Schedule.Name, err)
	}
	return claim == own, nil
}

// End records the end of the run that Begin began. result is what ended it, in
// systemd's words ("success", "timeout", "oom-kill"); status is its exit status.
func (s *Scheduler) End(status int, result string) error {
	record, err := readRuns(s.Disk, s.Schedule.Name)
	if err != nil || record.Running == nil {
		return err
	}
	record.end(s.Clock.Now(), status, result)
	return s.write(record)
}

func (s *Scheduler) write(record runs) error {
	return writeRuns(s.Disk, s.Schedule.Name, record)
}

// SettledRelease returns the release that serves on a machine.
func SettledRelease(d Disk) (service.ReleaseID, error) {
	if id := settledRelease(d); id != "" {
		return id, nil
	}
	return "", errors.New("no release serves on this machine yet")
}

// Skip counts the last time of the schedule as one whose run did not begin, because
// another run is in progress.
func (s *Scheduler) Skip() error {
	times, err := cron.Parse(s.Schedule.Cron)
	if err != nil {
		return fmt.Errorf("schedule %s: %w", s.Schedule.Name, err)
	}
	record, err := readRuns(s.Disk, s.Schedule.Name)
	if err != nil {
		return err
	}
	due, ok := times.Last(s.Clock.Now())
	if !ok || record.Cron == s.Schedule.Cron && record.Time >= due.Unix() {
		return nil
	}
	record.Cron, record.Time = s.Schedule.Cron, due.Unix()
	record.Skipped++
	record.LastMissed = due.Unix()
	return s.write(record)
}

// settledRelease returns the release that serves: the current one, or during a
// roll the one before. It returns "" if there is none.
func settledRelease(d Disk) service.ReleaseID {
	current, err := currentOf(d)
	if err != nil {
		return ""
	}
	rolling, err := recall[roll](d, rollFile)
	if err != nil {
		return ""
	}
	settled := current
	if rolling.To == current {
		settled = rolling.From
	}
	// A machine's first release may be refused without another one to go back to.
	if refused, err := recall[refusal](d, refusalFile); err != nil || refused.Release == settled {
		return ""
	}
	return settled
}

func hasRelease(d Disk, id service.ReleaseID) bool {
	entries, err := d.List(path.Join(releasesFolder, string(id)))
	return err == nil && len(entries) > 0
}
