package gate

import (
	"encoding/json"
	"fmt"
	"io"
)

// Status is what a machine's release follower publishes.
type Status struct {
	// Machine is the cloud's own id of the machine that answers.
	Machine string `json:"machine"`
	// Phase is serving, rolling, failing (it tries again) or refused (final
	// until another release is wanted).
	Phase string `json:"phase"`
	// Wanted is the release that the machine was told to run, Current the one
	// that a worker runs when it starts now.
	Wanted  string `json:"wanted"`
	Current string `json:"current"`
	// Reason says why Current is not Wanted, or why a worker is missing.
	Reason string `json:"reason"`
	// Attempts counts the rounds in a row that failed.
	Attempts int `json:"attempts"`
	// Checked is when the machine last looked, in seconds since 1970.
	Checked int64    `json:"checked"`
	Workers []Worker `json:"workers"`
}

// Worker is what one worker answers for itself.
type Worker struct {
	Worker  int    `json:"worker"`
	Release string `json:"release"`
	Ready   bool   `json:"ready"`
}

func parseStatus(r io.Reader) (Status, error) {
	var s Status
	if err := json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(&s); err != nil {
		return Status{}, fmt.Errorf("reading the machine's status: %w", err)
	}
	return s, nil
}

// serves says whether all workers serve the release, and if not, what is
// missing.
func (s Status) serves(release string, workers int) (bool, string) {
	switch {
	case s.Wanted != release:
		return false, fmt.Sprintf("the machine has not yet seen release %.12s", release)
	case len(s.Workers) != workers:
		return false, fmt.Sprintf("%d workers are there, not %d", len(s.Workers), workers)
	case s.Phase != "serving" && s.Reason != "":
		return false, s.Reason
	}
	for _, w := range s.Workers {
		if w.Release != release {
			return false, fmt.Sprintf("worker %d runs %s", w.Worker, orNone(w.Release))
		}
		if !w.Ready {
			return false, fmt.Sprintf("worker %d is not ready", w.Worker)
		}
	}
	return true, ""
}

func orNone(release string) string {
	if release == "" {
		return "no release"
	}
	return fmt.Sprintf("release %.12s", release)
}
