package pm2

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Speed holds the medians over the rounds of one way.
type Speed struct {
	PerSecond float64 `json:"per_second"`
	// CPU is the processor time of the whole stack per request, in µs.
	CPU float64 `json:"cpu_us"`
	// P99 is the 99th percentile in ms, at the highest rate that the
	// connections can send.
	P99 float64 `json:"p99_ms"`
	// Requests is the number of requests in all rounds.
	Requests int `json:"requests"`
}

// way is a measured way to a stack's workers.
type way struct {
	stack  stack
	at     []string
	into   **Speed
	rounds []round
}

// measureSpeeds runs all stacks at the same time and measures all ways to their
// workers in rounds, in alternating direction. So other load of the computer
// affects all of them.
func measureSpeeds(ctx context.Context, o Options, stacks []stack, results []StackResult) error {
	var all []*way
	for i, s := range stacks {
		if err := s.start(ctx); err != nil {
			return fmt.Errorf("starting %s: %w", s.name(), err)
		}
		defer s.stop()
		all = append(all, &way{stack: s, at: s.direct(), into: &results[i].Direct})
		if at := s.proxied(); at != nil {
			all = append(all, &way{stack: s, at: at, into: &results[i].Proxied})
		}
	}
	// The first round is the warm-up.
	for n := range o.Rounds + 1 {
		o.Progress(fmt.Sprintf("requests as fast as they are answered, round %d of %d", n, o.Rounds))
		for _, w := range all {
			if n == 0 {
				if err := warm(ctx, o, w); err != nil {
					return fmt.Errorf("%s: %w", w.stack.name(), err)
				}
				continue
			}
			r, err := saturate(ctx, w.at, o.Connections, o.Round, w.stack.roots())
			if err != nil {
				return fmt.Errorf("%s: %w", w.stack.name(), err)
			}
			w.rounds = append(w.rounds, r)
		}
		slices.Reverse(all)
	}
	for _, w := range all {
		*w.into = speedOf(w.rounds)
	}
	return nil
}

// warmRequests is the number of requests that a worker answers before it is
// measured: V8 compiles a function after it has run often, which may take any
// time.
const warmRequests = 5000

// warm sends warmRequests requests per worker, for at most about one minute.
func warm(ctx context.Context, o Options, w *way) error {
	for began, answered := time.Now(), 0; answered < warmRequests*o.Workers && time.Since(began) < time.Minute; {
		r, err := saturate(ctx, w.at, o.Connections, o.Round, w.stack.roots())
		if err != nil {
			return err
		}
		answered += r.Requests
	}
	return nil
}

func speedOf(rounds []round) *Speed {
	var s Speed
	var perSecond, cpu, p99 []float64
	for _, r := range rounds {
		s.Requests += r.Requests
		perSecond = append(perSecond, r.PerSecond)
		cpu = append(cpu, float64(r.cpu)/float64(time.Microsecond))
		p99 = append(p99, milliseconds(r.P99))
	}
	s.PerSecond, s.CPU, s.P99 = median(perSecond), median(cpu), median(p99)
	return &s
}

func nodeVersion(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
