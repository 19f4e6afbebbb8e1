package main

import (
	"context"
	"time"

	"escala/infra/testing/bench/closedloop"
	"escala/infra/testing/bench/proctree"
)

// sample is the result of one round.
type sample struct {
	closedloop.Result
	cpu    time.Duration // per request
	memory uint64
}

// round sends requests over n connections for the given time.
func round(ctx context.Context, s *server, n int, length time.Duration) (sample, error) {
	pid := s.cmd.Process.Pid
	before, err := proctree.CPU(pid)
	if err != nil {
		return sample{}, err
	}
	r, err := closedloop.Run(ctx, []string{s.address}, n, length)
	if err != nil {
		return sample{}, err
	}
	after, err := proctree.CPU(pid)
	if err != nil {
		return sample{}, err
	}
	memory, err := s.memory()
	if err != nil {
		return sample{}, err
	}
	return sample{Result: r, cpu: (after - before) / time.Duration(r.Requests), memory: memory}, nil
}
