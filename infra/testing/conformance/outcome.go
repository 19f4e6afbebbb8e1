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

// Outcome is what came of one check.
type Outcome struct {
	// ID is the check's: letters, digits and hyphens.
	ID    string `json:"id"`
	Title string `json:"title"`
	// What was done, in a sentence.
	What   string `json:"what"`
	Budget string `json:"budget"`
	// NotApplicable is why the system has no place for this check; "" if it was
	// done.
	NotApplicable string `json:"not_applicable,omitempty"`
	// Overload is why nothing is proven: the computer had no time for the load
	// either. "" if it had, or if the check is within its budget all the same.
	Overload string `json:"overload,omitempty"`
	// Problems are what is above the budget or went wrong otherwise.
	Problems []string `json:"problems,omitempty"`

	// Began and Ended are in seconds since the start of the load. Requests count
	// for the check in which they end.
	Began float64 `json:"began_s"`
	Ended float64 `json:"ended_s"`
	// Requests ended; Failed of them failed, by kind (and status); Unsent are
	// those that this machine could not send.
	Requests uint64            `json:"requests"`
	Failed   uint64            `json:"failed"`
	Kinds    map[string]uint64 `json:"kinds,omitempty"`
	Unsent   uint64            `json:"unsent,omitempty"`
	// NotHeld are those of Failed that were sent after a fault had struck. Only
	// counted where the budget asks for it.
	NotHeld int             `json:"not_held,omitempty"`
	Latency loadgen.Latency `json:"latency"`
	// Lag is how late the load itself was: from when a request was due to when
	// it was sent.
	Lag loadgen.Latency `json:"lag"`
	// Closes are WebSockets that the service ended, by code; Unclean those
	// without 1000 and 1001.
	Closes  map[int]uint64 `json:"closes,omitempty"`
	Unclean uint64         `json:"unclean"`
	// Messages are receipts expected; Lost did not come although both ends were
	// connected, LostAtClose where one was not.
	Messages    uint64 `json:"messages"`
	Lost        uint64 `json:"lost"`
	LostAtClose uint64 `json:"lost_at_close"`
	// LongestReconnect is in seconds, from the end of a WebSocket until its
	// client was in its room again.
	LongestReconnect float64 `json:"longest_reconnect_s"`
	// Normal is how many seconds it took from a fault until all was as before:
	// no failure any more, all WebSockets back, the status normal. The longest
	// of several. 0 where nothing was broken.
	Normal float64 `json:"normal_s"`
	// Took are the seconds of each release or rollback.
	Took []float64 `json:"took_s,omitempty"`
	// Reason is what the system said was wrong.
	Reason string `json:"reason,omitempty"`
}

// Met reports that the check was done and is within its budget.
func (o Outcome) Met() bool { return o.NotApplicable == "" && len(o.Problems) == 0 }

// Missed reports that the check was done and is not within its budget.
func (o Outcome) Missed() bool {
	return o.NotApplicable == "" && o.Overload == "" && len(o.Problems) > 0
}

// judge compares what was counted with the budget, and tells an overload of this
// computer from a loss.
func (o *Outcome) judge(budget Budget) {
	o.Problems = append(o.Problems, budget.problems(*o)...)
	if len(o.Problems) > 0 {
		o.Overload = loadgen.Overload(o.Lag)
	}
}

// count fills in what the load counted between two snapshots.
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
		o.Closes, o.Unclean = s.Closes, s.Unclean
		o.Messages, o.Lost, o.LostAtClose = s.Expected, s.Lost, s.LostAtClose
		o.LongestReconnect = s.LongestReconnect / 1000
	}
}

// String is one line for a terminal.
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

// listed writes "502 3, reset 1", ordered by key.
func listed[K ~string | ~int](counts map[K]uint64) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%v %d", key, counts[key]))
	}
	return strings.Join(parts, ", ")
}
