package host

import (
	"context"
	"time"

	"escala/cloudinit/agent"
)

// Clock is the machine's.
type Clock struct{ began time.Time }

var _ agent.Clock = Clock{}

// NewClock returns the clock.
func NewClock() Clock { return Clock{time.Now()} }

// Now is the wall clock's time.
func (Clock) Now() time.Time { return time.Now() }

// Elapsed is the time since NewClock, however the wall clock is set.
func (c Clock) Elapsed() time.Duration { return time.Since(c.began) }

// Sleep waits.
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
