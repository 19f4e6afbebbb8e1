package memlimit

import "runtime/debug"

const (
	// idleTicks is the number of ticks without a collection after which a
	// process counts as idle: 5 s, in steps of paceTick.
	idleTicks = 5
	// minGain is the least gain in bytes for returning memory, because that
	// costs a collection now and page faults when the memory is needed again.
	minGain = 4 << 20
)

// reclaimer detects that a busy process has become idle, and returns memory to the
// system. Go alone would keep the memory: it collects an idle heap only after two
// minutes, and then keeps memory up to the size of the heap at the next
// collection. That is up to five times the live heap (see Pace).
type reclaimer struct {
	cycles uint64
	ticks  int
	free   func()
}

func newReclaimer() *reclaimer { return &reclaimer{free: debug.FreeOSMemory} }

// tick handles one check of the heap.
func (r *reclaimer) tick(h usage) {
	if h.cycles != r.cycles {
		r.cycles, r.ticks = h.cycles, 0
		return
	}
	// Memory is returned only if the garbage is at least as large as the live
	// heap, which is Go's own default. Searching a large heap for a few MiB would
	// cost more than it gains.
	if r.ticks++; r.ticks < idleTicks || h.reclaimable < max(minGain, h.live) {
		return
	}
	r.ticks = 0
	r.free()
}
