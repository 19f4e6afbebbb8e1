package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Checks returns all checks in the order in which they run. The list is the
// same for every system.
func Checks(c Counts) []Check {
	checks := []Check{{
		ID: "releases", Title: fmt.Sprintf("%d releases", c.Releases),
		What:   "New code is rolled out again and again, each time as soon as the release before serves on every worker.",
		Budget: lossless,
		do:     func(ctx context.Context, t *checkRun) error { return t.releases(ctx, c.Releases) },
	}}
	for _, bad := range Bads() {
		checks = append(checks, badRelease(bad))
	}
	return append(append(append(checks,
		Check{
			ID: mendID, Title: "the next good release",
			What:   "After the bad releases a good one is rolled out, with nothing done in between.",
			Budget: lossless,
			do:     func(ctx context.Context, t *checkRun) error { return t.releases(ctx, 1) },
		},
		Check{
			ID: "rollback", Title: "rollback, and forth again",
			What:   "The operator goes back to the release before, and then a new one is rolled out.",
			Budget: lossless,
			do: func(ctx context.Context, t *checkRun) error {
				if err := t.timed(ctx, "rollback", t.system.Rollback); err != nil {
					return err
				}
				return t.releases(ctx, 1)
			},
		},
		Check{
			ID: "kill-worker", Title: fmt.Sprintf("SIGKILL of a worker × %d", c.Kills),
			What:   "A process that serves requests is killed without a warning, each time another one, and the next only once all is normal again.",
			Budget: Budget{Held: true, Unclean: Any, Normal: 15 * time.Second, Reason: true},
			do:     func(ctx context.Context, t *checkRun) error { return t.faults(ctx, KillWorker, c.Kills) },
		},
		Check{
			ID: "kill-supervisor", Title: "SIGKILL of the supervisor",
			What:   "What starts workers again is killed without a warning.",
			Budget: supervisorDown,
			do:     func(ctx context.Context, t *checkRun) error { return t.faults(ctx, KillSupervisor, 1) },
		},
		fault("kill-proxy", KillProxy, "SIGKILL of the proxy", 30*time.Second,
			"What stands between clients and workers is killed without a warning."),
		Check{
			ID: "kill-redis", Title: "SIGKILL of Redis",
			What:   "Redis, over which the workers' rooms reach each other, is killed without a warning.",
			Budget: Budget{Normal: 30 * time.Second, Reason: true},
			do:     func(ctx context.Context, t *checkRun) error { return t.faults(ctx, KillRedis, 1) },
		},
		fault("reboot", Reboot, "reboot of the machine", 2*time.Minute,
			"The whole machine restarts and must serve the same release again."),
		Check{
			ID: "disk-full", Title: "disk full during a release",
			What:   "The disk has no room while a release is rolled out. Once there is room again, the release must arrive by itself.",
			Budget: Budget{Normal: time.Minute, Reason: true},
			do:     func(ctx context.Context, t *checkRun) error { return t.noRoom(ctx, FillDisk) },
		},
		Check{
			ID: "store-away", Title: fmt.Sprintf("release store unreachable for %s", c.StoreAway),
			What:   "Nobody can read the release store for a while. What serves must serve on.",
			Budget: Budget{Normal: time.Minute, Reason: true},
			do:     func(ctx context.Context, t *checkRun) error { return t.storeAway(ctx, c.StoreAway) },
		},
		Check{
			ID: "kill-follower", Title: fmt.Sprintf("follower killed in %d releases", c.FollowerKills),
			What:   "What brings a release to the machine is killed during each of several releases, each time at a later point. Each release must arrive all the same.",
			Budget: lossless,
			do:     func(ctx context.Context, t *checkRun) error { return t.followerKilled(ctx, c.FollowerKills) },
		},
	), machineChecks()...), clientChecks(c)...)
}

// supervisorDown is the budget of a supervisor that is killed.
var supervisorDown = Budget{Failed: Any, HeldIfServed: true, Unclean: Any, Normal: time.Minute, Reason: true}

// badRelease returns the check of one kind of bad release.
func badRelease(bad Bad) Check {
	id := strings.NewReplacer(" ", "-", ",", "").Replace(string(bad))
	return Check{
		ID: badPrefix + strings.ToLower(id), Title: "bad release: " + string(bad),
		What:   badWhat[bad],
		Budget: Budget{Reason: true},
		do: func(ctx context.Context, t *checkRun) error {
			t.mark("bad release")
			reason, err := t.system.ReleaseBad(ctx, bad)
			if err != nil {
				return err
			}
			t.outcome.Reason = reason
			return t.stillServes(ctx)
		},
	}
}

var badWhat = map[Bad]string{
	ExitsAtOnce:       "A release is rolled out that ends as soon as it is started.",
	NeverReady:        "A release is rolled out that runs and never becomes ready.",
	Answers500:        "A release is rolled out that becomes ready and then answers every request with 500.",
	HangsOnTerm:       "A release is rolled out that serves well and ignores SIGTERM, so that it could never be replaced without harm.",
	WrongChecksum:     "The bytes of a release in the store are not those that its id promises.",
	Truncated:         "The end of a release in the store is missing.",
	WrongArchitecture: "A release is rolled out that was built for another processor.",
}

// fault returns the check of a momentary fault that breaks all connections and
// needs no healing.
func fault(id string, f Fault, title string, normal time.Duration, what string) Check {
	return Check{
		ID: id, Title: title, What: what,
		Budget: Budget{Failed: Any, Unclean: Any, Normal: normal, Reason: true},
		do:     func(ctx context.Context, t *checkRun) error { return t.faults(ctx, f, 1) },
	}
}

// errNotServing means that the system no longer serves as before after it
// refused a release.
var errNotServing = errors.New("what served before does not serve on")

// badPrefix begins the IDs of the checks of bad releases. The check mendID runs
// after any of them.
const (
	badPrefix = "bad-"
	mendID    = "mend"
)
