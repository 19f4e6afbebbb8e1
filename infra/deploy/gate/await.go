package gate

import (
	"context"
	"errors"
	"time"
)

// Awaiting has the parameters of Await.
type Awaiting struct {
	// Timeout is the time limit for the whole wait. Poll is the time between two
	// checks.
	Timeout, Poll time.Duration
	// StuckTimeout is the time that the same failure may last while it is retried.
	StuckTimeout time.Duration
	// Report is called with what is missing, each time that it changes. Optional.
	Report func(string)
}

// CheckResult is the result of one check, as far as Await needs it.
type CheckResult struct {
	// Missing describes for people what is missing. It is empty if nothing is.
	Missing string
	// Done means that the wait is over.
	Done bool
	// Failure identifies the current failure. It stays the same as long as that
	// failure lasts, and is empty without one.
	Failure string
	// Progress increases while the situation improves in spite of the failure.
	// Optional.
	Progress int
	// Final means that waiting cannot help.
	Final bool
}

// ErrMissing is the error of an Await that timed out or cannot succeed.
var ErrMissing = errors.New("something is missing")

// Await calls look until it reports Done. It returns the last result in which
// something was missing, and the time that the wait took. The error is ErrMissing,
// or the reason why ctx has ended.
func Await[T any](ctx context.Context, a Awaiting, check func(context.Context) (T, CheckResult)) (T, time.Duration, error) {
	began := time.Now()
	deadline, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	var (
		last    T
		missing string
		failure CheckResult
		since   = began
	)
	for {
		now, seen := check(deadline)
		if seen.Done {
			return now, time.Since(began), nil
		}
		// A check that the deadline cut short proves nothing: the previous one
		// counts.
		if seen.Missing != "" && (Ended(deadline) == nil || missing == "") {
			if seen.Missing != missing && a.Report != nil {
				a.Report("waiting: " + seen.Missing)
			}
			last, missing = now, seen.Missing
		}
		if seen.Failure != failure.Failure || seen.Progress > failure.Progress {
			failure, since = seen, time.Now()
		}
		switch {
		case Ended(ctx) != nil:
			return last, time.Since(began), Ended(ctx)
		case seen.Final, Ended(deadline) != nil, failure.Failure != "" && time.Since(since) > a.StuckTimeout:
			return last, time.Since(began), ErrMissing
		}
		select {
		case <-deadline.Done():
		case <-time.After(a.Poll):
		}
	}
}

// Ended returns why ctx has ended, or nil. It compares the deadline with the clock:
// on a busy computer a connection times out before the context's timer fires.
func Ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}
