// Package lazy sets a connection's read deadline only when necessary. net/http
// moves it five times for each request, almost always further away. Each move
// sets a timer of the runtime, which costs a thirtieth of a small request
// (BenchmarkMove). The package is separate from package server because it knows
// nothing about requests or drains.
package lazy

import (
	"errors"
	"os"
	"sync"
	"time"
)

// Deadline is a read deadline. It does not replace a timer that is set for an
// earlier time. When the timer fires, the read checks the current deadline, and
// continues if the deadline has not passed.
type Deadline struct {
	// Set is SetReadDeadline of the underlying connection.
	Set func(time.Time) error

	mu sync.Mutex
	// wanted is the deadline. armed is the deadline of the underlying
	// connection. Zero is none.
	wanted, armed time.Time
	// busy reports that a read of the underlying connection is in progress.
	busy bool
}

// longAgo is earlier than any real deadline. net/http uses such times to
// interrupt a read.
var longAgo = time.Unix(1<<20, 0)

// Move sets the deadline. It interrupts a read in progress if the new deadline
// is earlier than the one that the read waits for.
func (d *Deadline) Move(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	switch {
	case t.IsZero(), !d.armed.IsZero() && !t.Before(d.armed):
		return nil
	case !d.busy && t.Before(longAgo):
		return nil // Begin refuses the next read
	}
	d.armed = t
	return d.Set(t)
}

// Begin must be called before a read. An error means that the deadline has
// passed.
func (d *Deadline) Begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && d.wanted.Before(longAgo) {
		return os.ErrDeadlineExceeded
	}
	d.busy = true
	return nil
}

// End must be called after a read. again means that the timer fired before the
// deadline, so the read must be repeated.
func (d *Deadline) End(err error) (again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = false
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	if !d.wanted.IsZero() && !d.wanted.After(time.Now()) {
		return false
	}
	d.armed = d.wanted
	return d.Set(d.wanted) == nil
}
