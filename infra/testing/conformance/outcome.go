package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"escala/infra/testing/loadgen"
)

// Outcome is the result of one check.
type Outcome struct {
	// ID is the check's ID: letters, digits and hyphens.
	ID    string `json:"id"`
	Title string `json:"title"`
	// What describes the check in one sentence.
	What   string `json:"what"`
	Budget string `json:"budget"`
	// NotApplicable is the reason why the system cannot run this check. It is
	// "" if the check ran.
	NotApplicable string `json:"not_applicable,omitempty"`
	// Overload is the reason why a failed check proves nothing: the computer
	// was too busy to send the load in time. It is "" if the load was on time
	// or the check is within its budget anyway.
	Overload string `json:"overload,omitempty"`
	// Problems lists the exceeded limits and all other errors.
	Problems []string `json:"problems,omitempty"`

	// Began and Ended are in seconds since the start of the load. A request
	// counts for the check in which it ends.
	Began float64 `json:"began_s"`
	Ended float64 `json:"ended_s"`
	// Requests is the number of requests that ended. Failed counts the failed
	// ones, by kind (and status). Unsent counts the requests that this machine
	// could not send.
	Requests uint64            `json:"requests"`
	Failed   uint64            `json:"failed"`
	Kinds    map[string]uint64 `json:"kinds,omitempty"`
	Unsent   uint64            `json:"unsent,omitempty"`
	// NotHeld counts the requests of Failed that were not in flight when a fault
	// took effect.
	NotHeld int             `json:"not_held,omitempty"`
	Latency loadgen.Latency `json:"latency"`
	// Lag is the delay of the load itself, from the due time of a request until
	// it was sent.
	Lag loadgen.Latency `json:"lag"`
	// Closes counts the WebSockets that the service closed, by code. Unclean
	// counts those with a code other than 1000 and 1001.
	Closes  map[int]uint64 `json:"closes,omitempty"`
	Unclean uint64         `json:"unclean"`
	// Handshakes counts the WebSockets that could not be opened, by kind or status.
	Handshakes map[string]uint64 `json:"failed_handshakes,omitempty"`
	// Messages is the number of expected receipts. Lost counts the receipts
	// that did not arrive although both ends were connected, LostAtClose those
	// where one end was not.
	Messages    uint64 `json:"messages"`
	Lost        uint64 `json:"lost"`
	LostAtClose uint64 `json:"lost_at_close"`
	// LongestReconnect is the longest time, in seconds, from the end of a
	// WebSocket until its client was in its room again.
	LongestReconnect float64 `json:"longest_reconnect_s"`
	// Normal is the longest time, in seconds, from a fault until the system was
	// as before: no more failures, all WebSockets back, the status normal. It
	// is 0 if the check broke nothing.
	Normal float64 `json:"normal_s"`
	// Took holds the duration in seconds of each release or rollback.
	Took []float64 `json:"took_s,omitempty"`
	// Reason is the problem that the system reported.
	Reason string `json:"reason,omitempty"`
}

// Met reports whether the check ran and is within its budget.
func (o Outcome) Met() bool { return o.NotApplicable == "" && len(o.Problems) == 0 }

// Missed reports whether the check ran and exceeded its budget.
func (o Outcome) Missed() bool {
	return o.NotApplicable == "" && o.Overload == "" && len(o.Problems) > 0
}

// judge compares the counters with the budget and distinguishes an overload of this
// computer from a real loss.
func (o *Outcome) judge(budget Budget) {
	o.Problems = append(o.Problems, budget.problems(*o)...)
	if len(o.Problems) > 0 {
		o.Overload = loadgen.Overload(o.Lag)
	}
}

// count fills in the load's counters between two snapshots.
func (o *Outcome) count(from, to loadgen.Snapshot, start time.Time) {
	d := to.Since(from)
	o.Began, o.Ended = from.At.Sub(start).Seconds(), to.At.Sub(start).Seconds()
	o.Requests, o.Failed, o.Unsent = d.OK+d.Failed+d.Unsent, d.Failed, d.Unsent
	o.Latency, o.Lag = d.Latency, d.Lag
	o.Kinds = map[string]uint64{}
	for kind, n := range d.Kinds {
		if kind != loadgen.BadStatus {
			o.Kinds[string(kind)] = n
		}
	}
	for status, n := range d.Status {
		if status != 200 {
			o.Kinds[strconv.Itoa(status)] = n
		}
	}
	if s := d.Sockets; s != nil {
		o.Closes, o.Unclean, o.Handshakes = s.Closes, s.Unclean, s.DialFailures
		o.Messages, o.Lost, o.LostAtClose = s.Expected, s.Lost, s.LostAtClose
		o.LongestReconnect = s.LongestReconnect / 1000
	}
}

// String returns one line for a terminal.
func (o Outcome) String() string {
	if o.NotApplicable != "" {
		return fmt.Sprintf("n/a   %-34s %s", o.Title, o.NotApplicable)
	}
	verdict := "met  "
	switch {
	case o.Overload != "":
		verdict = "BUSY "
	case o.Missed():
		verdict = "MISS "
	}
	line := fmt.Sprintf("%s %-34s %6d requests, %d failed%s", verdict, o.Title, o.Requests, o.Failed, bracketed(o.Kinds))
	if len(o.Closes) > 0 {
		line += ", closes" + bracketed(o.Closes)
	}
	if o.Lost > 0 {
		line += fmt.Sprintf(", %d messages lost", o.Lost)
	}
	if o.Normal > 0 {
		line += fmt.Sprintf(", normal after %.1f s", o.Normal)
	}
	if o.Reason != "" {
		line += fmt.Sprintf("\n      it says: %.300s", o.Reason)
	}
	lines := append([]string{line}, o.Problems...)
	if o.Overload != "" {
		lines = append(lines, o.Overload)
	}
	return strings.Join(lines, "\n      ")
}

func bracketed[K ~string | ~int](counts map[K]uint64) string {
	if len(counts) == 0 {
		return ""
	}
	return " (" + listed(counts) + ")"
}

// listed formats counts as "502 3, reset 1", ordered by key.
func listed[K ~string | ~int](counts map[K]uint64) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%v %d", key, counts[key]))
	}
	return strings.Join(parts, ", ")
}
