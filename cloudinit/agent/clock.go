package agent

import (
	"context"
	"time"
)

// Clock is the machine's clock. The wall clock may be set forwards and back, so
// limits are measured with Elapsed.
type Clock interface {
	Now() time.Time
	// Elapsed is a monotonic time.
	Elapsed() time.Duration
	// Sleep waits for d. It returns ctx's error if ctx ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// until calls done repeatedly, at least once, until it is true or limit has
// passed. It returns the last result of done.
func until(ctx context.Context, c Clock, limit, every time.Duration, done func() bool) bool {
	began := c.Elapsed()
	for !done() {
		if c.Elapsed()-began >= limit || c.Sleep(ctx, every) != nil {
			return false
		}
	}
	return true
}
