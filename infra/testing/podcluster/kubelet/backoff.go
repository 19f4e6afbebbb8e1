//go:build linux

package kubelet

import (
	"time"
)

// backOff computes the pauses between restarts
// (client-go/util/flowcontrol/backoff.go, with the kubelet's 10 s and 5 min).
type backOff struct {
	wait time.Duration
	at   time.Time
}

const (
	firstWait = 10 * time.Second
	maxWait   = 5 * time.Minute
)

// next returns the time that must pass between an end and the next start.
func (b *backOff) next(ended time.Time) time.Duration {
	if ended.Sub(b.at) > 2*maxWait {
		b.wait = 0
	}
	return b.wait
}

// begin records a start, which doubles the next pause.
func (b *backOff) begin() {
	b.wait, b.at = min(max(2*b.wait, firstWait), maxWait), time.Now()
}
