package agent

import (
	"context"
	"time"
)

// Clock is the machine's. Its wall clock may be set, forwards and back, so
// limits are measured by Elapsed.
type Clock interface {
	Now() time.Time
	// Elapsed grows by a second a second.
	Elapsed() time.Duration
	// Sleep returns ctx's error if that ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// until asks done again and again, at least once, until it is true or limit has
// passed. It reports whether it was.
func until(ctx context.Context, c Clock, limit, every time.Duration, done func() bool) bool {
	began := c.Elapsed()
	for !done() {
		if c.Elapsed()-began >= limit || c.Sleep(ctx, every) != nil {
			return false
		}
	}
	return true
}
