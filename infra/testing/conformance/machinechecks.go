package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// machineChecks returns the checks of faults that a machine meets in normal
// operation: processes that die again and again, neighbours that hang, a port or a
// disk that another program uses up, upgrades, a second operator.
func machineChecks() []Check {
	often := func(id string, f Fault, title, what string, b Budget) Check {
		return Check{
			ID: "often-" + id, Title: title + fmt.Sprintf(" × %d, quickly", QuickDeaths), What: what, Budget: b,
			do: func(ctx context.Context, t *checkRun) error { return t.faults(ctx, f, 1) },
		}
	}
	down := Budget{Failed: Any, Unclean: Any, Normal: time.Minute, Reason: true}
	return []Check{
		often("proxy", KillProxyOften, "SIGKILL of the proxy", "The proxy dies more often than systemd starts a unit by default. It must not stay down.", down),
		often("supervisor", KillSupervisorOften, "SIGKILL of the supervisor", "What starts workers again dies more often than systemd starts a unit by default. It must not stay down.", supervisorDown),
		often("redis", KillRedisOften, "SIGKILL of Redis", "Redis dies more often than systemd starts a unit by default. It must not stay down.", Budget{Normal: time.Minute, Reason: true}),
		often("follower", KillFollowerOften, "SIGKILL of the follower", "What brings releases dies more often than systemd starts a unit by default. What serves must serve on.", Budget{Normal: time.Minute, Reason: true}),
		{
			ID: "redis-hangs", Title: fmt.Sprintf("Redis hangs for %s", hanging),
			What:   "Redis keeps its connections and answers nothing. Requests that do not need it must not notice, and the status must name it.",
			Budget: Budget{Normal: time.Minute, Reason: true},
			do: func(ctx context.Context, t *checkRun) error {
				return t.during(ctx, HangRedis, func(ctx context.Context) error {
					began := time.Now()
					var err error
					t.outcome.Reason, err = t.awaitReason(ctx, time.Minute)
					pause(ctx, hanging-time.Since(began))
					return err
				})
			},
		},
		{
			ID: "log-hangs", Title: fmt.Sprintf("nobody reads the logs for %s", hanging),
			What:   "What reads the workers' logs hangs, and requests fill them. No request may wait for a log.",
			Budget: Budget{Normal: time.Minute},
			do: func(ctx context.Context, t *checkRun) error {
				return t.during(ctx, HangLogReader, func(ctx context.Context) error {
					began := time.Now()
					err := t.fillLogs(ctx)
					pause(ctx, hanging-time.Since(began))
					return err
				})
			},
		},
		{
			ID: "port-taken", Title: "the proxy's port is taken for " + portTakenFor.String(),
			What:   "The proxy was stopped, and another process has its port when it starts again. Once the port is free, the proxy must come back by itself.",
			Budget: Budget{Failed: Any, Unclean: Any, Normal: time.Minute},
			do: func(ctx context.Context, t *checkRun) error {
				return t.during(ctx, TakePort, func(ctx context.Context) error {
					pause(ctx, portTakenFor)
					return nil
				})
			},
		},
		{
			ID: "inodes-full", Title: "no inodes left during a release",
			What:   "The disk has room and no inodes while a release is rolled out. Once there are some again, the release must arrive by itself.",
			Budget: Budget{Normal: time.Minute, Reason: true},
			do:     func(ctx context.Context, t *checkRun) error { return t.noRoom(ctx, FillInodes) },
		},
		{
			ID: "upgrade-supervisor", Title: "upgrade of the supervisor's package",
			What:   "The package of what starts workers again is installed anew under the load, as security upgrades do at any hour.",
			Budget: Budget{Normal: time.Minute},
			do:     func(ctx context.Context, t *checkRun) error { return t.faults(ctx, UpgradeSupervisor, 1) },
		},
		{
			ID: "two-operators", Title: "a second operator's pointer during a release",
			What:   "While a release is rolled out, somebody else points the store at the release before, and then back. The machine must follow, and end with the release that the store names.",
			Budget: lossless,
			do:     func(ctx context.Context, t *checkRun) error { return t.twoOperators(ctx) },
		},
	}
}

const (
	// hanging is the time for which a neighbour hangs. It is longer than every
	// timeout of the processes that may wait for the neighbour.
	hanging = 15 * time.Second
	// portTakenFor is the time for which the port is taken. It is long enough for the five
	// quick starts of systemd's default limit.
	portTakenFor = 12 * time.Second
	// noiseRequests is the number of requests that fill the logs: each adds a line of some
	// 250 bytes, and a pipe holds 64 KiB.
	noiseRequests = 6000
)

// during runs do while a fault lasts, heals the fault, and waits until the system
// is normal.
func (r *checkRun) during(ctx context.Context, f Fault, do func(context.Context) error) error {
	before, _ := r.system.Status(ctx)
	injection, err := r.inject(ctx, f)
	if err != nil {
		return err
	}
	err = do(ctx)
	r.mark("over")
	healed := time.Now()
	return errors.Join(err, healOnce(ctx, injection.Heal), r.recover(ctx, healed, before.Incident))
}

// fillLogs sends requests that the service answers with 5xx and logs.
func (r *checkRun) fillLogs(ctx context.Context) error {
	client := r.endpoint.client()
	defer client.CloseIdleConnections()
	logged := 0
	for range noiseRequests {
		resp, err := r.endpoint.do(ctx, client, http.MethodGet, "/session", nil, nil)
		if err != nil {
			return fmt.Errorf("filling the logs: %w", err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode >= 500 {
			logged++
		}
	}
	if logged < noiseRequests {
		return fmt.Errorf("filling the logs: %d of %d requests were logged", logged, noiseRequests)
	}
	return nil
}

// twoOperators moves the pointer away and back while a release is rolled out.
func (r *checkRun) twoOperators(ctx context.Context) error {
	before, err := r.system.Status(ctx)
	if err != nil {
		return fmt.Errorf("asking for the status: %w", err)
	}
	released := make(chan error, 1)
	r.mark("release")
	go func() { released <- r.release(ctx) }()
	watching, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	awaitChange(watching, r.system, before)
	injection, err := r.inject(ctx, OtherPointer)
	if err == nil {
		// The pause is long enough for the machine to begin to follow.
		pause(ctx, 5*time.Second)
		r.mark("pointed back")
		err = healOnce(ctx, injection.Heal)
	}
	return errors.Join(err, <-released)
}
