package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"escala/infra/testing/loadgen"
)

// checkRun is one running check and its access to the system.
type checkRun struct {
	check    Check
	system   System
	endpoint Endpoint
	load     *loadgen.Generator
	clients  uint64 // WebSocket clients
	outcome  *Outcome
	names    *int // number of names given to releases, so that each name is unique
	// roll is the duration of the last release, from the first change of the
	// system on.
	roll *time.Duration
}

func (r *checkRun) mark(label string) { r.load.Mark(label) }

// timed runs an operation that an operator waits for, and records its duration.
func (r *checkRun) timed(ctx context.Context, label string, do func(context.Context) error) error {
	r.mark(label)
	began := time.Now()
	err := do(ctx)
	r.outcome.Took = append(r.outcome.Took, time.Since(began).Seconds())
	if err != nil {
		return fmt.Errorf("%s: %w", label, err)
	}
	return nil
}

// release rolls out the next good release.
func (r *checkRun) release(ctx context.Context) error {
	*r.names++
	name := fmt.Sprintf("release %d of the suite", *r.names)
	before, err := r.system.Status(ctx)
	if err != nil {
		return fmt.Errorf("asking for the status: %w", err)
	}
	watching, stop := context.WithCancel(ctx)
	began := make(chan time.Time, 1)
	go func() {
		awaitChange(watching, r.system, before)
		began <- time.Now()
	}()
	err = r.system.Release(ctx, name)
	ended := time.Now()
	stop()
	if at := <-began; err == nil && at.Before(ended) {
		*r.roll = ended.Sub(at)
	}
	return err
}

// awaitChange returns when the system wants another release, or when ctx ends.
func awaitChange(ctx context.Context, system System, before Status) {
	for ctx.Err() == nil {
		if s, err := system.Status(ctx); err == nil && s.Wanted != before.Wanted {
			return
		}
		pause(ctx, statusInterval)
	}
}

func (r *checkRun) releases(ctx context.Context, n int) error {
	for i := range n {
		if err := r.timed(ctx, fmt.Sprintf("release %d", i+1), r.release); err != nil {
			return err
		}
	}
	return nil
}

// faults injects a fault n times and waits after each until the system is
// normal.
func (r *checkRun) faults(ctx context.Context, f Fault, n int) error {
	for range n {
		before, _ := r.system.Status(ctx)
		injection, err := r.inject(ctx, f)
		if err != nil {
			return err
		}
		if err := r.recover(ctx, injection.At, before.Incident); err != nil {
			return fmt.Errorf("after %s: %w", f, err)
		}
		start := r.load.Start()
		for _, failure := range r.load.Failures(injection.Kills[0]) {
			if !inFlight(start.Add(seconds(failure.Due)), start.Add(seconds(failure.Ended)), injection.Kills) {
				r.outcome.NotHeld++
			}
		}
	}
	return nil
}

// inject causes a fault. The injection has all times.
func (r *checkRun) inject(ctx context.Context, f Fault) (Injection, error) {
	r.mark(string(f))
	called := time.Now()
	injection, err := r.system.Inject(ctx, f)
	if err != nil {
		return Injection{}, err
	}
	if injection.At.IsZero() {
		injection.At = called
	}
	if len(injection.Kills) == 0 {
		injection.Kills = []time.Time{injection.At}
	}
	return injection, nil
}

// recover waits until the system is normal again. It records the recovery time
// from since on and the reason that the status gave. incident is the incident
// before the fault.
func (r *checkRun) recover(ctx context.Context, since time.Time, incident string) error {
	normal, said, err := waitNormal(ctx, r.system, r.load, r.clients, since, incident, r.check.Budget.Reason && r.outcome.Reason == "")
	r.outcome.Normal = max(r.outcome.Normal, normal.Sub(since).Seconds())
	if r.outcome.Reason == "" {
		r.outcome.Reason = said
	}
	return err
}

// stillServes returns nil if the system serves as before. It may still want the
// release that it refuses.
func (r *checkRun) stillServes(ctx context.Context) error {
	s, err := r.system.Status(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotServing, err)
	}
	if s.Serving == "" || s.Ready != s.Workers {
		return fmt.Errorf("%w: %d of %d workers are ready, with release %.12q", errNotServing, s.Ready, s.Workers, s.Serving)
	}
	return nil
}

// noRoom rolls out a release on a full disk, waits until the status reports the
// problem, and then frees the space.
func (r *checkRun) noRoom(ctx context.Context, f Fault) error {
	injection, err := r.inject(ctx, f)
	if err != nil {
		return err
	}
	released := make(chan error, 1)
	r.mark("release")
	go func() { released <- r.release(ctx) }()
	r.outcome.Reason, err = r.awaitReason(ctx, time.Minute)
	r.mark("room again")
	healed := time.Now()
	err = errors.Join(err, healOnce(ctx, injection.Heal))
	// Only the arrival of the release counts, even if the operator's wait timed
	// out before the space was freed.
	if gaveUp := <-released; gaveUp != nil {
		r.mark("the operator had given up")
	}
	return errors.Join(err, r.recover(ctx, healed, ""))
}

func (r *checkRun) storeAway(ctx context.Context, away time.Duration) error {
	injection, err := r.inject(ctx, HideStore)
	if err != nil {
		return err
	}
	gone := time.Now()
	r.outcome.Reason, err = r.awaitReason(ctx, time.Minute)
	pause(ctx, away-time.Since(gone))
	r.mark("store back")
	healed := time.Now()
	return errors.Join(err, healOnce(ctx, injection.Heal), r.recover(ctx, healed, ""))
}

// healOnce ends a fault, even if the run was cancelled.
func healOnce(ctx context.Context, heal func(context.Context) error) error {
	if heal == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := heal(ctx); err != nil {
		return fmt.Errorf("ending the fault: %w", err)
	}
	return nil
}

// awaitReason waits until the status reports a problem.
func (r *checkRun) awaitReason(ctx context.Context, limit time.Duration) (string, error) {
	for end := time.Now().Add(limit); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, statusInterval) {
		if s, err := r.system.Status(ctx); err == nil && s.Reason != "" {
			return s.Reason, nil
		}
	}
	return "", fmt.Errorf("the status has not said what is wrong for %s", limit)
}

// followerKilled rolls out n releases and kills the follower once in each. The
// kills are spread evenly over the duration of a roll.
func (r *checkRun) followerKilled(ctx context.Context, n int) error {
	for i := range n {
		before, err := r.system.Status(ctx)
		if err != nil {
			return fmt.Errorf("asking for the status: %w", err)
		}
		released := make(chan error, 1)
		r.mark(fmt.Sprintf("release %d", i+1))
		go func() { released <- r.release(ctx) }()
		err = r.killDuringRoll(ctx, before, time.Duration(float64(*r.roll)*(float64(i)+0.5)/float64(n)))
		if err := errors.Join(err, <-released); err != nil {
			return fmt.Errorf("release %d with its follower killed: %w", i+1, err)
		}
	}
	return nil
}

// killDuringRoll kills the follower at the given time after the system began to
// change.
func (r *checkRun) killDuringRoll(ctx context.Context, before Status, after time.Duration) error {
	watching, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	awaitChange(watching, r.system, before)
	if watching.Err() != nil {
		return errors.New("the system has not begun to change")
	}
	pause(ctx, after)
	_, err := r.inject(ctx, KillFollower)
	return err
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
