package conformance

import (
	"context"
	"regexp"
	"time"
)

// Check is one operation or fault on a system, with its budget.
type Check struct {
	// ID names the check in -only and in anchors.
	ID string
	// Title heads the check's row in the report. What describes the check in
	// one sentence.
	Title, What string
	Budget      Budget

	do func(context.Context, *checkRun) error
}

// Counts sets how often a run repeats each operation. Make it with NewCounts.
type Counts struct {
	// Releases is the number of releases that are rolled out in sequence.
	// Default 20.
	Releases int
	// Kills is the number of times that a worker is killed. Default 20.
	Kills int
	// FollowerKills is the number of releases during which the follower is
	// killed, each time at a later point. Default 6.
	FollowerKills int
	// WebSockets is the number of WebSockets that are opened at once. Default 4300:
	// a service behind Nginx once failed with that many.
	WebSockets int
	// StoreAway is the time for which the release store is unreachable. Default
	// 1 min.
	StoreAway time.Duration
	// Only selects the checks whose ID matches. Default: all checks.
	Only *regexp.Regexp
}

// NewCounts returns the defaults.
func NewCounts() Counts {
	return Counts{Releases: 20, Kills: 20, FollowerKills: 6, WebSockets: 4300, StoreAway: time.Minute}
}

// wants reports whether the check is selected.
func (c Counts) wants(check Check) bool { return c.Only == nil || c.Only.MatchString(check.ID) }
