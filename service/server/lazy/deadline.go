// Package lazy sets a connection's read deadline only when it matters. net/http
// moves it five times for each request, almost always further away, and each
// move sets a timer of the runtime: a thirtieth of what a small request costs
// (BenchmarkMove). It is apart from package server because nothing in it knows
// what a request or a drain is.
package lazy

import (
	"errors"
	"os"
	"sync"
	"time"
)

// Deadline is a read deadline. A timer that is armed for an earlier time is left
// alone. When it fires, the read looks at the deadline that is wanted by then,
// and goes on if that has not come yet.
type Deadline struct {
	// Set is SetReadDeadline of the connection below.
	Set func(time.Time) error

	mu sync.Mutex
	// wanted is the deadline, armed what the connection below knows; zero is
	// none.
	wanted, armed time.Time
	// busy reports that a read is under way below.
	busy bool
}

// longAgo is before any deadline that is meant to come: net/http uses such a
// time to interrupt a read.
var longAgo = time.Unix(1<<20, 0)

// Move sets the deadline. It interrupts a read that is under way when the new
// deadline is earlier than the one that it waits for.
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

// Begin is called before a read. An error means that the deadline has passed on
// purpose.
func (d *Deadline) Begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && d.wanted.Before(longAgo) {
		return os.ErrDeadlineExceeded
	}
	d.busy = true
	return nil
}

// End is called after a read. again means that only the timer was early.
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
