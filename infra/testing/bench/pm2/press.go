package pm2

import (
	"context"
	"time"

	"escala/infra/testing/bench/closedloop"
	"escala/infra/testing/bench/proctree"
)

// round is the result of one round of load.
type round struct {
	closedloop.Result
	// cpu is the processor time of the whole stack per request.
	cpu time.Duration
}

// saturate sends requests as fast as they are answered, and measures the processor
// time of the process trees of roots.
func saturate(ctx context.Context, addresses []string, connections int, length time.Duration, roots []int) (round, error) {
	before, err := proctree.CPU(roots...)
	if err != nil {
		return round{}, err
	}
	r, err := closedloop.Run(ctx, addresses, connections, length)
	if err != nil {
		return round{}, err
	}
	after, err := proctree.CPU(roots...)
	if err != nil {
		return round{}, err
	}
	return round{Result: r, cpu: (after - before) / time.Duration(r.Requests)}, nil
}
