package service

import (
	"maps"
	"slices"
	"time"

	"escala/service/cron"
)

// Overlap is what happens at the time of a run while the one before still runs.
type Overlap string

const (
	// OverlapSkip lets the run before go on, and starts none.
	OverlapSkip Overlap = "skip"
	// OverlapReplace ends the run before, and starts one.
	OverlapReplace Overlap = "replace"
)

// Schedule is a command that runs at certain times, each time once: on one
// machine of the stack, or in the cluster. It runs the release that serves at
// that time, with its environment and secrets. A later release does not end it.
//
// Two runs of one schedule never run beside each other, so its memory is
// counted once.
type Schedule struct {
	// Cron has the times, in UTC (see package cron): "30 3 * * *", "@daily".
	Cron string `config:"cron"`
	// Command is as in Process.
	Command []string `config:"command"`
	// Timeout is the longest time of a run. It is ended after that, with SIGTERM,
	// and with SIGKILL after Lifecycle.Stop. Default 1 h.
	Timeout time.Duration `config:"timeout"`
	// Overlap is OverlapSkip by default.
	Overlap Overlap `config:"overlap"`
	// MemoryMiB is the most memory that a run may use, in MiB. Default 0, which is
	// Resources.MemoryMiB.
	MemoryMiB int `config:"memoryMiB"`
}

// SetDefaults sets the defaults.
func (s *Schedule) SetDefaults() { *s = Schedule{Timeout: time.Hour, Overlap: OverlapSkip} }

// MaxLate is the time by which a run may be late. A machine that was off, or a
// cluster whose control plane was away, starts the last run that it missed if it
// is no later; all others are reported as missed.
//
// A reboot takes minutes, so a nightly run that meets one is made up for. A run
// that is due while a machine is away for hours is not: it would run at a time
// that was not chosen. `make run` makes it up. Clusters cannot tell a changed
// schedule from missed runs of the new one, and this limits what they make up.
const MaxLate = 10 * time.Minute

// maxTimeout catches typing errors.
const maxTimeout = 7 * 24 * time.Hour

func (s Spec) checkSchedule(v *Violations) {
	for _, name := range slices.Sorted(maps.Keys(s.Schedule)) {
		one, at := s.Schedule[name], "schedule."+name
		s.checkTask(v, at, name, one.Command, one.MemoryMiB)
		if one.Cron == "" {
			v.Add(at+".cron", "is not set; for example \"30 3 * * *\" (UTC) or \"@daily\"")
		} else if _, err := cron.Parse(one.Cron); err != nil {
			v.Add(at+".cron", "%q %s", one.Cron, err)
		}
		if one.Timeout < time.Second || one.Timeout > maxTimeout || one.Timeout%time.Second != 0 {
			v.Add(at+".timeout", "%s is not a whole number of seconds from 1s to %s", one.Timeout, maxTimeout)
		}
		if one.Overlap != OverlapSkip && one.Overlap != OverlapReplace {
			v.Add(at+".overlap", "%q is neither %q nor %q; runs beside each other would need more memory than the machine was chosen for", one.Overlap, OverlapSkip, OverlapReplace)
		}
	}
}
