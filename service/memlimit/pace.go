package memlimit

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// roomy is how large a heap may grow before it is collected, whatever is
	// alive in it. Go's own floor of 4 MiB makes a small service that answers
	// quickly collect dozens of times per second.
	roomy = 24 << 20
	// usual is Go's GOGC, and most is what this package sets at most: Go's
	// floor grows with it, to 16 MiB.
	usual, most = 100, 400
	// paceTick is how often the heap is looked at.
	paceTick = time.Second
)

// Pace collects garbage less often while the heap is small, and as usual when
// it is not: many open connections must not cost more memory for it. After a
// busy time it gives the memory of that back (see rest). It returns when ctx ends.
// GOGC, when set, is left alone, and the memory with it.
func Pace(ctx context.Context, getenv func(string) string) {
	if getenv("GOGC") != "" {
		return
	}
	tick := time.NewTicker(paceTick)
	defer tick.Stop()
	pace(ctx, tick.C)
}

func pace(ctx context.Context, tick <-chan time.Time) {
	heap := newHeap()
	rest := newRest()
	now := most
	debug.SetGCPercent(now)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		seen := heap.read()
		if p := percent(seen.live); p != now {
			now = p
			debug.SetGCPercent(now)
		}
		rest.tick(seen)
	}
}

// percent is the GOGC for a live heap, in steps of 50: setting it stops the
// world for a moment.
func percent(live uint64) int {
	if live == 0 {
		return most
	}
	const step = 50
	p := (roomy*100/min(live, roomy) - 100) / step * step
	return int(min(max(p, usual), most))
}
