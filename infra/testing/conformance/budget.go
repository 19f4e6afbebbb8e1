package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Any means that there is no limit.
const Any = -1

// Budget is the limit of what a check may cost.
type Budget struct {
	// Failed is the number of requests that may fail. Any means no limit. If none
	// may, no handshake of a WebSocket may fail either.
	Failed int
	// Held replaces Failed: only requests that were in flight when the fault
	// took effect may fail.
	Held bool
	// HeldIfServed makes Held of Failed on a system whose workers serve on
	// without their supervisor (Endpoint.WorkersOutlive).
	HeldIfServed bool
	// Unclean is the number of WebSockets that may be closed with a code other
	// than 1000 and 1001. Any means no limit.
	Unclean int
	// Normal is the time that the system has to recover by itself after the
	// fault. 0 means that the check breaks nothing.
	Normal time.Duration
	// Reason reports that the system's own status must name the current or the
	// resolved problem.
	Reason bool
}

// String describes the budget in words.
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

// on returns the budget on a system.
func (b Budget) on(e Endpoint) Budget {
	b.Held = b.Held || b.HeldIfServed && e.WorkersOutlive
	return b
}

// lossless is the budget of every deliberate operation.
var lossless = Budget{}

// inFlightSlack is the time between a kill and the end of the process. The
// kernel tears a process down with a delay, so a request that is due this long
// after the kill may still reach a connection of the killed process.
const inFlightSlack = 250 * time.Millisecond

// inFlight reports whether a request that was due and ended at these times was in
// flight at one of the kills.
func inFlight(due, ended time.Time, kills []time.Time) bool {
	return slices.ContainsFunc(kills, func(kill time.Time) bool {
		return !ended.Before(kill) && !due.After(kill.Add(inFlightSlack))
	})
}

// problems lists where the outcome exceeds the budget.
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
	if n := total(o.Handshakes); !b.Held && b.Failed == 0 && n > 0 {
		add("%d WebSockets were refused: %v", n, o.Handshakes)
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

func total(counts map[string]uint64) (n uint64) {
	for _, one := range counts {
		n += one
	}
	return n
}
