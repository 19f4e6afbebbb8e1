package pm2

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"escala/infra/testing/loadgen"
)

// Fault is the result of a load during a repeated operation on a stack.
type Fault struct {
	// Times is the number of repetitions.
	Times int `json:"times"`
	// Seconds holds the duration of each repetition.
	Seconds []float64 `json:"seconds"`
	// Requests is the number of requests sent and Failed the failed ones.
	// SlowRequests and SlowFailed are the part of them that takes 300 ms or 2
	// s. PostFailed is the number of failed POSTs.
	Requests     uint64                  `json:"requests"`
	Failed       uint64                  `json:"failed"`
	SlowRequests uint64                  `json:"slow_requests"`
	SlowFailed   uint64                  `json:"slow_failed"`
	Posts        uint64                  `json:"posts"`
	PostFailed   uint64                  `json:"post_failed"`
	Kinds        map[loadgen.Kind]uint64 `json:"kinds,omitempty"`
	Status       map[int]uint64          `json:"status,omitempty"`
	// P99 is the 99th percentile over all answered requests, in milliseconds.
	P99 float64 `json:"p99_ms"`
}

// underLoad repeats an operation on a stack times times while requests arrive
// at a steady rate: quick and slow requests and POSTs. It pauses for calm
// before, between and after the repetitions.
func underLoad(ctx context.Context, address string, rate float64, times int, calm time.Duration, do func(context.Context) error) (Fault, error) {
	mix := loadgen.NewMix()
	mix.Rate, mix.SlowRate = rate, rate/20
	options := loadgen.NewOptions("http://" + address)
	options.Streams = mix.Streams()
	loaded, stop := context.WithCancel(ctx)
	defer stop()
	generator, err := loadgen.Start(loaded, options)
	if err != nil {
		return Fault{}, err
	}
	fault := Fault{Times: times}
	var failed error
	for range times {
		if failed = pause(ctx, calm); failed != nil {
			break
		}
		began := time.Now()
		if failed = do(ctx); failed != nil {
			break
		}
		fault.Seconds = append(fault.Seconds, time.Since(began).Seconds())
	}
	failed = errors.Join(failed, pause(ctx, calm))
	stop()
	result, err := generator.Wait()
	if err := errors.Join(failed, err); err != nil {
		return fault, err
	}
	if result.Total.Unsent > 0 {
		return fault, fmt.Errorf("%d of %d requests could not be sent: this computer is too busy to measure on", result.Total.Unsent, result.Total.Arrivals)
	}
	fault.count(result)
	return fault, nil
}

func (f *Fault) count(result *loadgen.Result) {
	f.Requests, f.Failed = result.Total.Arrivals, result.Total.Failed
	f.Kinds, f.Status, f.P99 = result.Total.Kinds, result.Total.Status, result.Latency.P99
	for _, s := range result.Streams {
		switch s.Name {
		case "get":
		case "post":
			f.Posts += s.Arrivals
			f.PostFailed += s.Failed
		default:
			f.SlowRequests += s.Arrivals
			f.SlowFailed += s.Failed
		}
	}
}

// pause waits for d. It returns an error if ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// killWorker kills one of the stack's workers and waits until the number of
// workers is the same as before.
func killWorker(ctx context.Context, s stack) error {
	before, err := workersOf(s)
	if err != nil {
		return err
	}
	if len(before) == 0 {
		return fmt.Errorf("%s has no worker to kill", s.name())
	}
	victim := before[rand.IntN(len(before))]
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing a worker of %s: %w", s.name(), err)
	}
	for began := time.Now(); ; {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		now, err := workersOf(s)
		if err != nil {
			return err
		}
		if len(now) >= len(before) && disjoint([]int{victim}, now) {
			return nil
		}
		if time.Since(began) > 30*time.Second {
			return fmt.Errorf("%s has not started a killed worker again", s.name())
		}
	}
}
