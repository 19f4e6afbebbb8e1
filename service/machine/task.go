package machine

import (
	"fmt"

	"escala/service"
)

// Process is the status of one process of the service that is not a worker.
type Process struct {
	Name   string `json:"name"`
	Number int    `json:"number"`
	// Release is the release of the running process; "" if it does not run.
	Release service.ReleaseID `json:"release"`
	Up      bool              `json:"up"`
	// Since is the start of the process, in seconds since 1970. Restarts is the
	// number of times that it ended by itself since this release was started.
	Since    int64 `json:"since,omitempty"`
	Restarts int   `json:"restarts,omitempty"`
}

// Schedule is the status of one of the service's schedules on this machine.
// Times are in seconds since 1970.
type Schedule struct {
	Name string `json:"name"`
	// Next is the time of the next run; 0 if there is none.
	Next int64 `json:"next,omitempty"`
	// Running is the current run, and Last the one that ended last; nil for none.
	Running *Run `json:"running,omitempty"`
	Last    *Run `json:"last,omitempty"`
	// Missed is the number of runs that did not start because the machine was
	// away. Skipped is the number of runs that did not start because the previous
	// one was still running. LastMissed is the time of the last run of either
	// kind.
	Missed     int   `json:"missed,omitempty"`
	Skipped    int   `json:"skipped,omitempty"`
	LastMissed int64 `json:"lastMissed,omitempty"`
	// Elsewhere is the last time whose run was on another machine of the stack.
	Elsewhere int64 `json:"elsewhere,omitempty"`
}

// Run is one run of a schedule's command.
type Run struct {
	// Time is the scheduled time. Began and Ended are the actual times. Ended is
	// 0 during the run, and stays 0 if the machine ended during the run.
	Time    int64             `json:"time"`
	Began   int64             `json:"began"`
	Ended   int64             `json:"ended,omitempty"`
	Release service.ReleaseID `json:"release"`
	// Status is the exit status as a shell reports it. Result is the reason of
	// the end, in systemd's words ("success", "exit-code", "signal", "timeout",
	// "oom-kill"), or "interrupted" if the machine ended during the run.
	Status int    `json:"status"`
	Result string `json:"result,omitempty"`
}

// runs reports whether the process is up with a release. If not, missing
// describes what is missing.
func (p Process) runs(release service.ReleaseID) (missing string) {
	switch {
	case !p.Up:
		return fmt.Sprintf("process %s %d is not up", p.Name, p.Number)
	case p.Release != release:
		return fmt.Sprintf("process %s %d runs %s", p.Name, p.Number, p.Release.Describe())
	}
	return ""
}
