package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"escala/service"
)

// Upstream is a process that the proxy sends requests to.
type Upstream struct {
	Slot int
	// Worker is the number of the worker that the process is.
	Worker  int
	Release service.ReleaseID
}

// Proxy sends each request to one of the workers. It is for programs without
// escala's runtime: they do not drain, so the proxy must not send them requests
// that they would not answer.
type Proxy interface {
	// Current returns the upstreams that an earlier agent set last.
	Current() ([]Upstream, error)
	// Use makes the proxy send new requests to these upstreams alone. It changes
	// nothing if the proxy does so already. A proxy that starts later does so too.
	// An error means that the proxy may send requests elsewhere.
	Use(ctx context.Context, upstreams []Upstream) error
	// Busy returns the number of requests by slot that the proxy waits for.
	// WebSockets do not count. If the proxy does not run, the error is ErrProxyDown.
	Busy(ctx context.Context) (map[int]int, error)
}

// ErrProxyDown means that the proxy does not run, so that no request is in flight.
// A proxy that runs may be too busy to answer, or stopped.
var ErrProxyDown = errors.New("the proxy does not run")

// route points the proxy at the best process of each worker, except for the slots in
// without. A process gets requests from its first readiness until it ends: a worker
// whose dependency is missing may still answer.
func (a *Agent) route(ctx context.Context, v view, without ...int) error {
	if a.Proxy == nil {
		return nil
	}
	if a.routed == nil {
		current, err := a.Proxy.Current()
		if err != nil {
			return fmt.Errorf("reading where the proxy leads: %w", err)
		}
		a.routed = map[int]string{}
		for _, u := range current {
			a.routed[u.Slot] = anyProcess
		}
	}
	routed := map[int]string{}
	var upstreams []Upstream
	for worker := range a.Config.Workers {
		best, ok := a.routable(v, worker, without)
		if !ok {
			continue
		}
		routed[best.slot] = best.process()
		upstreams = append(upstreams, Upstream{Slot: best.slot, Worker: worker, Release: best.release()})
	}
	if len(upstreams) == 0 && len(without) > 0 {
		return nil // there is nothing else
	}
	if err := a.Proxy.Use(ctx, upstreams); err != nil {
		return fmt.Errorf("leading the proxy to the workers: %w", err)
	}
	a.routed = routed
	return nil
}

// anyProcess stands for the process that an earlier agent pointed the proxy at.
const anyProcess = ""

// routable returns the best process of a worker that may get requests.
func (a *Agent) routable(v view, worker int, without []int) (best occupant, ok bool) {
	for _, o := range v.ofWorker(a.Config, worker) {
		before, known := a.routed[o.slot]
		serves := o.ready || known && (before == anyProcess || before == o.process())
		if !o.alive() || !serves || slices.Contains(without, o.slot) {
			continue
		}
		if !ok || v.good(o) && !v.good(best) || o.ready && !best.ready {
			best, ok = o, true
		}
	}
	return best, ok
}

// process returns the name of the occupant's process.
func (o occupant) process() string {
	if o.orphan != nil {
		return o.orphan.Process
	}
	return o.Process
}

// release returns the release that the occupant's process runs.
func (o occupant) release() service.ReleaseID {
	if o.answers != "" {
		return o.answers
	}
	return o.Release
}

// reroute is route with the machine's current state.
func (a *Agent) reroute(ctx context.Context, without ...int) error {
	if a.Proxy == nil {
		return nil
	}
	v, err := a.view(ctx)
	if err != nil {
		return err
	}
	return a.route(ctx, v, without...)
}

// drain directs new requests away from the processes in these slots, and waits until
// those in flight are answered, for as long as a drain may take.
func (a *Agent) drain(ctx context.Context, slots ...int) error {
	if a.Proxy == nil || len(slots) == 0 {
		return nil
	}
	if err := a.reroute(ctx, slots...); err != nil {
		return err
	}
	isIdle := until(ctx, a.Clock, time.Duration(a.Config.Drain), newPollInterval, func() bool {
		busy, err := a.Proxy.Busy(ctx)
		if err != nil {
			return errors.Is(err, ErrProxyDown)
		}
		return !slices.ContainsFunc(slots, func(slot int) bool { return busy[slot] > 0 })
	})
	if ctx.Err() != nil {
		return fmt.Errorf("waiting for requests in flight: %w", ctx.Err())
	}
	if !isIdle {
		a.Log.Warn("requests are cut: they took longer than lifecycle.drain", "slots", slots)
	}
	return nil
}
