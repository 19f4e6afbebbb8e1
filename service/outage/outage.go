// Package outage remembers when something around a worker, such as Redis, did
// not work, and why. Most outages are over before anybody looks.
package outage

import (
	"fmt"
	"sync"
	"time"
)

// Outage is the current or last outage of one thing.
type Outage struct {
	name string

	mu           sync.Mutex
	began, ended time.Time
	reason       string
}

// New returns an outage that has not happened. name is what people call the
// thing.
func New(name string) *Outage { return &Outage{name: name} }

// Begin notes that the thing does not work. It reports true the first time, and
// false while the outage lasts.
func (o *Outage) Begin(reason error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reason = reason.Error()
	if !o.began.IsZero() && o.ended.IsZero() {
		return false
	}
	o.began, o.ended = time.Now(), time.Time{}
	return true
}

// End notes that the thing works. It reports whether an outage was going on.
func (o *Outage) End() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.began.IsZero() || !o.ended.IsZero() {
		return false
	}
	o.ended = time.Now()
	return true
}

const at = "2006-01-02T15:04:05.000Z"

// longestReason bounds a reason in a status: it may hold what a stranger's
// server answered.
const longestReason = 200

// Report describes the current outage, and the last one that is over. Both are
// "" if there is none.
func (o *Outage) Report() (now, before string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.began.IsZero():
		return "", ""
	case o.ended.IsZero():
		return fmt.Sprintf("%s has been away since %s: %.*s", o.name, o.began.UTC().Format(at), longestReason, o.reason), ""
	}
	return "", fmt.Sprintf("%s %s was away for %s", o.began.UTC().Format(at), o.name, o.ended.Sub(o.began).Round(time.Millisecond))
}
