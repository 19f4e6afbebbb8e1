// Package loadgen sends a steady load to a service and counts every outcome, so
// that "no failed request" is a measured figure.
//
// The load is open-loop: arrivals follow a timetable that a slow answer cannot
// delay, and latency counts from the due time of a request. No request is ever
// sent twice. The package speaks HTTP/1.1 over connections of its own, because
// net/http's Transport repeats a request that died on an idle connection and so
// hides the failures that this package must count.
package loadgen

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// Generator is a running load. Make one with Start.
type Generator struct {
	options  Options
	recorder *recorder
	sockets  *rooms
	done     chan struct{}
	err      error
}

// Run sends the load until Options.Duration is over or ctx ends, waits for the
// requests in flight, and returns the result. The end of ctx is the normal way
// to stop a load and no error. Failed requests are no error either.
func Run(ctx context.Context, options Options) (*Result, error) {
	g, err := Start(ctx, options)
	if err != nil {
		return nil, err
	}
	return g.Wait()
}

// Start checks the options, resolves the target and begins the load. The load
// ends when ctx ends or after Options.Duration. Wait returns its result.
func Start(ctx context.Context, options Options) (*Generator, error) {
	if err := options.Validate(); err != nil {
		return nil, fmt.Errorf("load options: %w", err)
	}
	where, err := resolve(ctx, options.Target, options.Host, options.AllowPublic)
	if err != nil {
		return nil, fmt.Errorf("load target: %w", err)
	}
	where.open = options.Dial

	start := time.Now()
	g := &Generator{
		options:  options,
		recorder: newRecorder(start, options.Streams, options.Interval),
		done:     make(chan struct{}),
	}
	life := options.Duration
	if life == 0 {
		life = options.MaxDuration
	}

	var parts errgroup.Group
	if len(options.Streams) > 0 {
		// The timetable ends by itself. A deadline would cut off the last
		// arrivals when this machine is late.
		parts.Go(func() error { return g.send(ctx, where, start, life) })
	}
	if options.Sockets != nil {
		g.sockets = newRooms(*options.Sockets, where, "r"+strconv.FormatInt(start.UnixNano(), 36), start)
		g.sockets.closed = g.recorder.closed
		parts.Go(func() error {
			ctx, stop := context.WithDeadline(ctx, start.Add(life))
			defer stop()
			return g.sockets.run(ctx)
		})
	}
	go func() {
		g.err = parts.Wait()
		g.recorder.finish()
		close(g.done)
	}()
	return g, nil
}

// send dispatches every arrival of the timetable and returns when the last
// request has ended.
func (g *Generator) send(ctx context.Context, where target, start time.Time, life time.Duration) error {
	pool := newPool(where, g.options.Clients)
	defer pool.close()

	// A request in flight outlives ctx, up to its timeout: stopping the load
	// must not look like a failure of the service.
	requests := context.WithoutCancel(ctx)

	var inFlight errgroup.Group
	inFlight.SetLimit(g.options.MaxOutstanding)
	templates := make([]*requestTemplate, len(g.options.Streams))
	for i, s := range g.options.Streams {
		templates[i] = newRequestTemplate(i, s, where)
	}
	newTimetable(g.options.Streams, life).walk(ctx, start, func(a arrival) {
		g.recorder.arrived(a)
		sent := inFlight.TryGo(func() error {
			deadline := start.Add(a.due + g.options.Timeout)
			g.recorder.ended(a, pool.exchange(requests, templates[a.stream], a, deadline))
			return nil
		})
		if !sent {
			g.recorder.ended(a, outcome{kind: Shed})
		}
	})
	return inFlight.Wait()
}

// Snapshot returns the current counters. Snapshot.Since returns the difference
// between two snapshots.
func (g *Generator) Snapshot() Snapshot {
	s := g.recorder.snapshot()
	if g.sockets != nil {
		counters, comebacks := g.sockets.counters()
		s.Sockets, s.reconnects = &counters, comebacks
	}
	return s
}

// Mark records an event at the current time (a release, a kill) in the result,
// for plots, and returns the current counters.
func (g *Generator) Mark(label string) Snapshot {
	g.recorder.mark(label)
	return g.Snapshot()
}

// Failures returns the described failures since the given time. See
// Result.Failures.
func (g *Generator) Failures(since time.Time) []Failure { return g.recorder.failuresSince(since) }

// Start returns the time at which the load began.
func (g *Generator) Start() time.Time { return g.recorder.start }

// Done is closed when the load has ended and no request is in flight.
func (g *Generator) Done() <-chan struct{} { return g.done }

// Wait blocks until the load has ended and returns its result.
func (g *Generator) Wait() (*Result, error) {
	<-g.done
	if g.err != nil {
		return nil, fmt.Errorf("load: %w", g.err)
	}
	result := g.recorder.result(g.options)
	if g.sockets != nil {
		result.Sockets = g.sockets.result()
	}
	return result, nil
}
