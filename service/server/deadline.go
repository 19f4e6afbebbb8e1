package server

import (
	"errors"
	"os"
	"sync"
	"time"
)

// deadline is a connection's read deadline, set lazily. net/http moves it five
// times per request, almost always further away, and each move costs as much as
// parsing a header does. So a timer that is armed for an
// earlier time is left alone; when it fires, the operation looks at the
// deadline that is wanted by then and goes on if it has not come yet.
type deadline struct {
	// set is SetReadDeadline of the connection below.
	set func(time.Time) error

	mu sync.Mutex
	// wanted is the deadline, armed what the connection below knows; zero is
	// none.
	wanted, armed time.Time
	// busy says that an operation is under way below.
	busy bool
}

// longAgo is before any deadline that is meant to come: net/http uses such a
// time to interrupt a read.
var longAgo = time.Unix(1<<20, 0)

// move sets the deadline. It interrupts an operation that is under way when
// the new deadline is earlier than what it waits for.
func (d *deadline) move(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	switch {
	case t.IsZero(), !d.armed.IsZero() && !t.Before(d.armed):
		return nil
	case !d.busy && t.Before(longAgo):
		return nil // begin refuses the next operation
	}
	d.armed = t
	return d.set(t)
}

// begin is called before an operation; an error means that the deadline has
// passed on purpose.
func (d *deadline) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && d.wanted.Before(longAgo) {
		return os.ErrDeadlineExceeded
	}
	d.busy = true
	return nil
}

// end is called after an operation; again says that only the timer was early.
func (d *deadline) end(err error) (again bool) {
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
	return d.set(d.wanted) == nil
}
