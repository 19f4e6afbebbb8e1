// Package outage records the outages of a worker's dependencies, such as Redis,
// with their reasons. The record lasts longer than the outage, because most
// outages end before an operator looks.
package outage

import (
	"fmt"
	"sync"
	"time"
)

// Outage is the current or last outage of one dependency.
type Outage struct {
	name string

	mu           sync.Mutex
	began, ended time.Time
	reason       string
}

// New returns a record without an outage. name is the dependency's name for
// people.
func New(name string) *Outage { return &Outage{name: name} }

// Begin records that the dependency does not work. It returns true at the start
// of an outage, and false while the outage lasts.
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

// End records that the dependency works. It reports whether an outage has
// ended.
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

// longestReason is the longest reason in a status, in bytes, because the text
// may come from another server.
const longestReason = 200

// Report describes the current outage and the last one that has ended. Each is
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
