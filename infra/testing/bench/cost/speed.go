package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"escala/infra/testing/bench/closedloop"
)

// speed holds the medians of both servers and of the rounds' ratios.
type speed struct {
	escala, plain sample
	ratio         float64
	requests      int
}

// measureSpeed alternates between the servers, so that other load of the
// machine affects both equally.
func measureSpeed(ctx context.Context, s settings, escala, plain string) (speed, error) {
	a, err := start(ctx, escala)
	if err != nil {
		return speed{}, err
	}
	defer a.stop()
	b, err := start(ctx, plain)
	if err != nil {
		return speed{}, err
	}
	defer b.stop()
	var as, bs []sample
	var ratios []float64
	total := 0
	for i := range s.rounds + 1 {
		first, second := a, b
		if i%2 == 1 {
			first, second = b, a
		}
		x, err := round(ctx, first, s.connections, s.round)
		if err != nil {
			return speed{}, err
		}
		y, err := round(ctx, second, s.connections, s.round)
		if err != nil {
			return speed{}, err
		}
		if i%2 == 1 {
			x, y = y, x
		}
		if i == 0 { // warming up
			continue
		}
		as, bs = append(as, x), append(bs, y)
		ratios = append(ratios, x.PerSecond/y.PerSecond)
		total += x.Requests + y.Requests
	}
	return speed{escala: medians(as), plain: medians(bs), ratio: median(ratios), requests: total}, nil
}

func medians(all []sample) sample {
	return sample{
		Result: closedloop.Result{
			PerSecond: median(each(all, func(s sample) float64 { return s.PerSecond })),
			P99:       median(each(all, func(s sample) time.Duration { return s.P99 })),
		},
		cpu:    median(each(all, func(s sample) time.Duration { return s.cpu })),
		memory: median(each(all, func(s sample) uint64 { return s.memory })),
	}
}

func each[T cmp.Ordered](all []sample, of func(sample) T) []T {
	out := make([]T, len(all))
	for i, s := range all {
		out[i] = of(s)
	}
	return out
}

func median[T cmp.Ordered](all []T) T {
	all = slices.Clone(all)
	slices.Sort(all)
	return all[len(all)/2]
}
