package conformance

import (
	"fmt"
	"strings"
	"time"
)

// Any is no bound.
const Any = -1

// Budget is what a check may cost.
type Budget struct {
	// Failed is how many requests may fail. Any: no bound.
	Failed int
	// Held says that requests may fail that were on their way when the fault
	// struck, and no others, in place of Failed.
	Held bool
	// Unclean is how many WebSockets may be closed with another code than 1000
	// and 1001. Any: no bound.
	Unclean int
	// Normal is how long it may take from the fault until all is as before,
	// without anybody's doing. 0: nothing was broken.
	Normal time.Duration
	// Reason reports that the system's own status must name what is, or was, wrong.
	Reason bool
}

// String is the budget for people.
func (b Budget) String() string {
	var parts []string
	switch {
	case b.Held:
		parts = append(parts, "only requests that were on their way fail")
	case b.Failed == 0:
		parts = append(parts, "no failed request")
	case b.Failed > 0:
		parts = append(parts, fmt.Sprintf("%d failed requests", b.Failed))
	}
	switch {
	case b.Unclean == 0:
		parts = append(parts, "no unclean close")
	case b.Unclean > 0:
		parts = append(parts, fmt.Sprintf("%d unclean closes", b.Unclean))
	}
	if b.Normal > 0 {
		parts = append(parts, fmt.Sprintf("normal within %s", b.Normal))
	}
	if b.Reason {
		parts = append(parts, "the status says why")
	}
	return strings.Join(parts, ", ")
}

// lossless is the budget of everything that an operator does on purpose.
var lossless = Budget{}

// inFlightSlack is the slack between a kill and its end: the kernel takes a process apart
// when it gets to it, and a request that was due this long after the kill may
// still have reached a connection of what was killed.
const inFlightSlack = 250 * time.Millisecond

// problems are the ways in which what was measured is above the budget.
func (b Budget) problems(o Outcome) []string {
	var p []string
	add := func(format string, args ...any) { p = append(p, fmt.Sprintf(format, args...)) }
	switch {
	case o.Requests == 0:
		add("no request was sent, so nothing was seen")
	case o.Unsent > 0:
		add("%d requests were not sent, because too many were in flight or this computer was out of time, ports or files", o.Unsent)
	}
	switch {
	case b.Held && o.NotHeld > 0:
		add("%d requests failed that were sent after the fault", o.NotHeld)
	case !b.Held && b.Failed != Any && o.Failed > uint64(b.Failed):
		add("%d requests failed", o.Failed)
	}
	if b.Unclean != Any && o.Unclean > uint64(b.Unclean) {
		add("%d WebSockets were closed uncleanly", o.Unclean)
	}
	if b.Normal > 0 && o.Normal > b.Normal.Seconds() {
		add("normal after %.1f s", o.Normal)
	}
	if b.Reason && o.Reason == "" {
		add("the status does not say why")
	}
	return p
}
