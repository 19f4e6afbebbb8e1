package conformance

import (
	"context"
	"fmt"
	"time"

	"escala/infra/testing/loadgen"
)

const (
	// statusInterval is the time between two queries of the status.
	statusInterval = 100 * time.Millisecond
	// quietTime is the time without any failure, and with a normal status, after
	// which the system counts as recovered. It is longer than the slowest
	// request of the load.
	quietTime = 2500 * time.Millisecond
	// statusGrace is the delay with which the status may report a past problem:
	// a machine checks itself only every few seconds.
	statusGrace = 8 * time.Second
	// maxWait is the limit of the wait for recovery.
	maxWait = 4 * time.Minute
)

// waitNormal waits until the status is normal, all WebSockets are in their
// rooms and no request has failed for quietTime. normal is the start of that
// period. said is the status's reason, or its new incident since the given
// time; incident is the previous one. With explain, waitNormal waits up to
// statusGrace for said. The error names what is not normal after maxWait.
func waitNormal(ctx context.Context, system System, g *loadgen.Generator, clients uint64, since time.Time, incident string, explain bool) (normal time.Time, said string, err error) {
	var last Status
	for ctx.Err() == nil && time.Since(since) < maxWait {
		s, err := system.Status(ctx)
		now := time.Now()
		switch {
		case err != nil:
			normal = time.Time{}
			last = Status{Reason: err.Error()}
		default:
			last = s
			if s.Incident != "" && s.Incident != incident {
				said = s.Incident
			}
			if said == "" {
				said = s.Reason
			}
		}
		seen := g.Snapshot()
		back := seen.Sockets == nil || seen.Sockets.Joined == clients
		switch {
		case err != nil || !s.Normal() || !back:
			normal = time.Time{}
		case normal.IsZero():
			normal = now
		}
		if !normal.IsZero() && seen.LastFailure.After(normal) {
			normal = seen.LastFailure
		}
		told := !explain || said != "" || now.Sub(normal) > statusGrace
		if !normal.IsZero() && now.Sub(normal) > quietTime && told {
			return normal, said, nil
		}
		pause(ctx, statusInterval)
	}
	return time.Now(), said, fmt.Errorf("not normal again after %s: %d of %d workers ready, release %.12q of %.12q, it says %q",
		time.Since(since).Round(time.Second), last.Ready, last.Workers, last.Serving, last.Wanted, last.Reason)
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
