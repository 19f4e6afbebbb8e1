package host

import (
	"context"
	"time"

	"escala/cloudinit/agent"
)

// Clock is the machine's clock.
type Clock struct{ began time.Time }

var _ agent.Clock = Clock{}

// NewClock returns a clock whose Elapsed starts at zero.
func NewClock() Clock { return Clock{time.Now()} }

// Now returns the wall clock's time.
func (Clock) Now() time.Time { return time.Now() }

// Elapsed returns the time since NewClock. Changes of the wall clock do not
// affect it.
func (c Clock) Elapsed() time.Duration { return time.Since(c.began) }

// Sleep waits for d. It returns ctx's error if ctx ends first.
func (Clock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
