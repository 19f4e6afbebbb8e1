package memlimit

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// smallHeap is the size to which a heap may grow before a collection, whatever
	// part of it is alive. With Go's own minimum of 4 MiB, a small, fast service
	// would collect dozens of times per second.
	smallHeap = 24 << 20
	// defaultGOGC is Go's default GOGC. most is the largest value that this package
	// sets: Go's minimum heap grows with it, to 16 MiB.
	defaultGOGC, maxGOGC = 100, 400
	// paceTick is the time between two checks of the heap.
	paceTick = time.Second
)

// Pace makes garbage collections rarer while the heap is small. For a larger heap
// it keeps Go's default, so that many open connections do not cost more memory.
// After a busy time, it returns memory to the system (see rest). It returns when
// ctx ends. If GOGC is set, Pace changes nothing.
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
	reclaimer := newReclaimer()
	now := maxGOGC
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
		reclaimer.tick(seen)
	}
}

// percent returns the GOGC for a live heap, in steps of 50, because setting it
// stops the world for a moment.
func percent(live uint64) int {
	if live == 0 {
		return maxGOGC
	}
	const step = 50
	p := (smallHeap*100/min(live, smallHeap) - 100) / step * step
	return int(min(max(p, defaultGOGC), maxGOGC))
}
