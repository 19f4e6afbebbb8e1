package service

import (
	"maps"
	"slices"
	"time"

	"escala/service/cron"
)

// Overlap selects what happens if the previous run has not ended when the next is
// due.
type Overlap string

const (
	// OverlapSkip lets the previous run continue, and does not start the next
	// one.
	OverlapSkip Overlap = "skip"
	// OverlapReplace ends the previous run, and then starts the next one.
	OverlapReplace Overlap = "replace"
)

// Schedule is a command that runs at certain times. Each time has one run: on one
// machine of the stack, or in the cluster. It uses the release that serves at
// that time, with its environment and secrets. A later release does not end a
// run.
//
// Runs of one schedule never overlap, so its memory is counted once.
type Schedule struct {
	// Cron contains the times in UTC (see package cron): "30 3 * * *", "@daily".
	Cron string `config:"cron"`
	// Command is the command of a run. It follows the rules of Process.Command.
	Command []string `config:"command"`
	// Timeout is the longest duration of a run. A longer run gets SIGTERM, and
	// SIGKILL after Lifecycle.Stop. Default 1 h.
	Timeout time.Duration `config:"timeout"`
	// Overlap is OverlapSkip by default.
	Overlap Overlap `config:"overlap"`
	// MemoryMiB is the memory limit of a run, in MiB. Default 0, which means
	// Resources.MemoryMiB.
	MemoryMiB int `config:"memoryMiB"`
}

// SetDefaults sets the defaults.
func (s *Schedule) SetDefaults() { *s = Schedule{Timeout: time.Hour, Overlap: OverlapSkip} }

// MaxLate is the largest delay of a run. A machine that was off, or a cluster
// whose control plane was unavailable, starts its last missed run within this
// delay. All other missed runs are only reported.
//
// A reboot takes minutes, so a nightly run that falls into a reboot still
// happens. A run that is due while a machine is off for hours does not: it would
// happen at a time that the operator did not choose. `make run` starts it by
// hand. Clusters cannot distinguish the times of a changed schedule from missed
// runs, so the delay also limits the runs after a change.
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
