package conformance

import (
	"context"
	"regexp"
	"time"
)

// Check is one thing that is done to a system, and what it may cost.
type Check struct {
	// ID names it, for -only and for anchors.
	ID string
	// Title heads its row in the report; What says in a sentence what is done.
	Title, What string
	Budget      Budget

	do func(context.Context, *checkRun) error
}

// Counts say how much is done in a run. Make them with NewCounts.
type Counts struct {
	// Releases is how many are rolled out, one after the other. Default 20.
	Releases int
	// Kills is how often a worker is killed. Default 20.
	Kills int
	// FollowerKills is how many releases have their follower killed, each at a
	// later point. Default 6.
	FollowerKills int
	// StoreAway is how long the release store is unreachable. Default 1 min.
	StoreAway time.Duration
	// Only leaves out the checks whose ID it does not match. Default: none.
	Only *regexp.Regexp
}

// NewCounts returns the defaults.
func NewCounts() Counts {
	return Counts{Releases: 20, Kills: 20, FollowerKills: 6, StoreAway: time.Minute}
}

// wants reports whether a check is to be done.
func (c Counts) wants(check Check) bool { return c.Only == nil || c.Only.MatchString(check.ID) }
