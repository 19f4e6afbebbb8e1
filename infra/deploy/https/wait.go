package https

import (
	"context"
	"time"
)

// These are the values of the stack's output "https". Waiting is followed by
// what is missing.
const (
	// Serving means that every name leads to the service and has a certificate
	// there.
	Serving = "serving"
	Waiting = "waiting: "
	// Unchecked means that the public address is not checked.
	Unchecked = "not checked"
)

// State returns Serving if nothing is missing, and otherwise Waiting and what is
// missing.
func State(missing string) string {
	if missing == "" {
		return Serving
	}
	return Waiting + missing
}

// Never is a time that no wait reaches. It means that a person has to act first.
var Never = time.Unix(1<<40, 0)

// Wait is a wait for what HTTPS needs.
type Wait struct {
	// Max is the longest wait. Zero means a single check.
	Max time.Duration
	// Poll is the time between two checks.
	Poll time.Duration
	// Report is called with the state, each time that it changes. Optional.
	Report func(string)
}

// For calls look until nothing is missing, and then returns "". It returns what is
// missing once Max has passed or ctx has ended, or if waiting does not help. look
// returns what is missing, and the time before which that cannot change.
func (w Wait) For(ctx context.Context, check func(context.Context) (missing string, until time.Time)) string {
	deadline := time.Now().Add(w.Max)
	reported := ""
	for {
		missing, until := check(ctx)
		if missing == "" {
			return ""
		}
		if missing != reported && w.Report != nil {
			w.Report(State(missing))
			reported = missing
		}
		if !time.Now().Before(deadline) || until.After(deadline) {
			return missing
		}
		select {
		case <-ctx.Done():
			return missing
		case <-time.After(w.Poll):
		}
	}
}
