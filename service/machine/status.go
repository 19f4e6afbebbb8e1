// Package machine defines the status that a machine publishes. The machine's
// agent writes these types. The gate, the conformance suite and the status
// command read them.
//
// Machines and programs of different versions read each other's status. A
// reader ignores unknown fields, missing fields are zero, and a Phase is text,
// so that an unknown phase is preserved.
package machine

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"escala/service"
)

// StatusPath is the URL path at which a machine answers with its Status.
const StatusPath = "/-/release"

// Status is the status of a machine.
type Status struct {
	// Machine is the cloud's own id of the machine.
	Machine string `json:"machine"`
	Phase   Phase  `json:"phase"`
	// Wanted is the release that the machine should run. Current is the release
	// that a newly started worker runs. Each is "" while unknown.
	Wanted  service.ReleaseID `json:"wanted"`
	Current service.ReleaseID `json:"current"`
	// RequestedAt is the time of the update that the machine has seen:
	// service.Wanted.RequestedAt of Wanted.
	RequestedAt int64 `json:"asked,omitempty"`
	// Reason is the reason why Current is not Wanted, or why a worker is
	// missing. "" if there is no problem.
	Reason string `json:"reason"`
	// Incident is the last resolved problem, with its time. "" for none.
	Incident string `json:"incident"`
	// Maintenance reports that clients get a page instead of the service.
	Maintenance bool `json:"maintenance,omitempty"`
	// Attempts counts the failed rounds in a row.
	Attempts int `json:"attempts"`
	// Checked is the time of the machine's last check, in seconds since 1970 by
	// the machine's clock.
	Checked int64 `json:"checked"`
	// Refused is the end of the last try of a refused release. Retry is the
	// time of the next try. Both use the machine's clock. 0 if there is none.
	Refused int64 `json:"refused,omitempty"`
	Retry   int64 `json:"retry,omitempty"`
	// Output is the last output of a refused release. It is only in the release
	// store, since the machine's own answer is public.
	Output string `json:"output,omitempty"`
	// Certificate is the machine's certificate; nil on a machine without HTTPS.
	Certificate *Certificate `json:"certificate,omitempty"`
	// Workers are in the order of their numbers.
	Workers []Worker `json:"workers"`
	// Processes and Schedules are in the order of their names. They are empty if
	// the service has none.
	Processes []Process  `json:"processes,omitempty"`
	Schedules []Schedule `json:"schedules,omitempty"`
}

// Worker is the status of one worker.
type Worker struct {
	Worker int `json:"worker"`
	// Release is the worker's release; "" if the worker does not answer.
	Release service.ReleaseID `json:"release"`
	Ready   bool              `json:"ready"`
	// Trouble is the current failure of a dependency of the worker, such as
	// Redis; "" for none. The status is public, so this is PublicTrouble of the
	// text on the worker's admin socket.
	Trouble string `json:"trouble,omitempty"`
}

// PublicTrouble returns a worker's trouble without its reason, which may
// contain addresses and accounts.
func PublicTrouble(trouble string) string {
	var out []string
	for one := range strings.SplitSeq(trouble, "; ") {
		what, _, _ := strings.Cut(one, ": ")
		if what != "" && !slices.Contains(out, what) {
			out = append(out, what)
		}
	}
	return strings.Join(out, "; ")
}

// Trouble lists the current failures of the workers' dependencies, without
// duplicates. "" for none.
func (s Status) Trouble() string {
	var out []string
	for _, w := range s.Workers {
		if w.Trouble != "" && !slices.Contains(out, w.Trouble) {
			out = append(out, w.Trouble)
		}
	}
	return strings.Join(out, "; ")
}

// statusLimit is the largest size of a status that is read, in bytes.
const statusLimit = 1 << 20

// Read decodes a status.
func Read(r io.Reader) (Status, error) {
	var s Status
	if err := json.NewDecoder(io.LimitReader(r, statusLimit)).Decode(&s); err != nil {
		return Status{}, fmt.Errorf("reading the machine's status: %w", err)
	}
	return s, nil
}

// SinceRefusal returns the time from the end of the refused release's last try
// until the machine published this status. ok is false if the status does not
// contain it: older machines do not publish it.
func (s Status) SinceRefusal() (age time.Duration, ok bool) {
	if s.Refused == 0 || s.Checked < s.Refused {
		return 0, false
	}
	return time.Duration(s.Checked-s.Refused) * time.Second, true
}

// Serves reports whether all workers are ready and run the release, and all
// processes do. If not, missing describes what is missing.
func (s Status) Serves(release service.ReleaseID, workers int) (ok bool, missing string) {
	switch {
	case s.Wanted != release && s.Phase == Refused:
		return false, fmt.Sprintf("the machine has not yet seen release %s; it refused release %s before: %s", release.Short(), s.Wanted.Short(), s.Reason)
	case s.Wanted != release && s.Reason != "":
		return false, "the machine has not yet seen release " + release.Short() + ": " + s.Reason
	case s.Wanted != release:
		return false, "the machine has not yet seen release " + release.Short()
	case len(s.Workers) != workers:
		return false, fmt.Sprintf("%d workers are there, not %d", len(s.Workers), workers)
	case s.Phase != Serving && s.Reason != "":
		return false, s.Reason
	}
	for _, w := range s.Workers {
		if w.Release != release {
			return false, fmt.Sprintf("worker %d runs %s", w.Worker, w.Release.Describe())
		}
		if !w.Ready {
			return false, fmt.Sprintf("worker %d is not ready", w.Worker)
		}
	}
	for _, p := range s.Processes {
		if missing := p.runs(release); missing != "" {
			return false, missing
		}
	}
	return true, ""
}

// ReadyOn counts the workers that are ready and run the release.
func (s Status) ReadyOn(release service.ReleaseID) int {
	n := 0
	for _, w := range s.Workers {
		if w.Ready && w.Release == release {
			n++
		}
	}
	return n
}
