package pm2

import (
	"context"
	"time"

	"escala/infra/testing/bench/closedloop"
	"escala/infra/testing/bench/proctree"
)

// round is what one round of load saw.
type round struct {
	closedloop.Result
	// cpu is the processor time of the whole stack for one request.
	cpu time.Duration
}

// press sends requests as fast as they are answered, and reads how much processor
// time the trees of the roots took.
func press(ctx context.Context, addresses []string, connections int, length time.Duration, roots []int) (round, error) {
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
