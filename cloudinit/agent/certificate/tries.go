package certificate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// tries are the orders for one subject that the authority may have counted: this
// machine's, and those of the stack that it knows of (record.Tries). They are on the
// disk: an agent that ends after each order would otherwise forget them, and start
// again without a pause.
type tries struct {
	// At are the times of the orders, in seconds since 1970.
	At []int64 `json:"at"`
	// Refusal is the authority's last answer that was no certificate.
	Refusal string `json:"refusal,omitempty"`
}

// The most tries for one subject in tryPeriod. Let's Encrypt allows five failed
// validations of a name in an hour ("Rate Limits").
const (
	maxTries  = 5
	tryPeriod = time.Hour
)

// allowed reports whether another try stays within the limit, and if not, the time
// until it does. It removes the tries that no longer count.
func (t *tries) allowed(now time.Time) (bool, time.Duration) {
	var within []int64
	for _, at := range t.At {
		// A clock that was ahead has recorded a try of the future.
		if age := now.Sub(time.Unix(at, 0)); age < tryPeriod && age > -tryPeriod {
			within = append(within, at)
		}
	}
	t.At = within
	if len(within) < maxTries {
		return true, 0
	}
	return false, time.Unix(within[len(within)-maxTries], 0).Add(tryPeriod).Sub(now)
}

// refusal returns the error of an order that would exceed the limit.
func (t *tries) refusal(wait time.Duration) *Refusal {
	reason := t.Refusal
	if reason == "" {
		reason = fmt.Sprintf("this stack ordered %d times within an hour", maxTries)
	}
	return &Refusal{Err: fmt.Errorf("%s; it is asked again in %s", reason, wait.Round(time.Minute)), Wait: wait}
}

func (e *entry) triesName() string { return e.subject + ".tries" }

// loadTries reads the tries. If that fails, there are none: the disk is the problem
// then, and not the authority.
func (e *entry) loadTries() {
	content, err := e.k.Disk.Read(e.triesName())
	if err != nil || json.Unmarshal(content, &e.tries) != nil {
		e.tries = tries{}
	}
}

// shareTries writes a refusal for the other machines of the stack, because the
// authority counts those of all machines together. Without the store, each machine
// observes the limit only for itself.
func (e *entry) shareTries(ctx context.Context) {
	e.record.Tries = slices.Clone(e.tries.At)
	if err := e.archive.write(ctx, e.record); err != nil {
		e.k.Log.Warn("sharing the tries of the certificate", "subject", e.subject, "error", err)
	}
}

// saveTries stores the tries. An order does not depend on it: a full disk must not
// prevent a certificate that the store can hold.
func (e *entry) saveTries() {
	content, err := json.Marshal(e.tries)
	if err == nil {
		err = e.k.Disk.Write(e.triesName(), content)
	}
	if err != nil {
		e.k.Log.Warn("keeping the tries of the certificate on the disk", "subject", e.subject, "error", err)
	}
}
