package machine

import (
	"fmt"

	"escala/service"
)

// Process is the status of one of the service's processes beside the workers.
type Process struct {
	Name   string `json:"name"`
	Number int    `json:"number"`
	// Release is the release that it runs; "" if it does not run.
	Release service.ReleaseID `json:"release"`
	Up      bool              `json:"up"`
	// Since is the time of its start, in seconds since 1970. Restarts counts how
	// often it ended by itself since this release was started.
	Since    int64 `json:"since,omitempty"`
	Restarts int   `json:"restarts,omitempty"`
}

// Schedule is the status of one of the service's schedules on this machine.
// Times are in seconds since 1970.
type Schedule struct {
	Name string `json:"name"`
	// Next is the next time. 0 if there is none.
	Next int64 `json:"next,omitempty"`
	// Running is the run that goes on, and Last the one that ended last; nil for
	// none.
	Running *Run `json:"running,omitempty"`
	Last    *Run `json:"last,omitempty"`
	// Missed counts the times at which no run began because the machine was away,
	// and Skipped those at which the run before was still going on. LastMissed is
	// the last of either.
	Missed     int   `json:"missed,omitempty"`
	Skipped    int   `json:"skipped,omitempty"`
	LastMissed int64 `json:"lastMissed,omitempty"`
	// Elsewhere is the last time whose run another machine of the stack had.
	Elsewhere int64 `json:"elsewhere,omitempty"`
}

// Run is one run of a schedule's command.
type Run struct {
	// Time is the time that it was for, Began and Ended are when it was. Ended is
	// 0 while it goes on, and if it ended with its machine.
	Time    int64             `json:"time"`
	Began   int64             `json:"began"`
	Ended   int64             `json:"ended,omitempty"`
	Release service.ReleaseID `json:"release"`
	// Status is the exit status, as a shell has it. Result is what ended the run,
	// in systemd's words ("success", "exit-code", "signal", "timeout",
	// "oom-kill"), or "interrupted" if its machine ended.
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
