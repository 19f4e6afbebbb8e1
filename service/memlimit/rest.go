package memlimit

import "runtime/debug"

const (
	// restTicks is for how long no garbage may have been collected before a
	// process counts as at rest: 5 s, in steps of paceTick.
	restTicks = 5
	// worthwhile is what there must be to gain, in bytes: giving memory back costs
	// a collection now, and page faults when it is needed again.
	worthwhile = 4 << 20
)

// rest notices when a process that was busy has little to do, and gives the
// system back the memory that it needed for it. Go would keep it: it collects an
// idle heap after two minutes, and then keeps what the heap may grow to before the
// next collection, up to five times what is alive (see Pace).
type rest struct {
	cycles uint64
	ticks  int
	free   func()
}

func newRest() *rest { return &rest{free: debug.FreeOSMemory} }

// tick is called with each look at the heap.
func (r *rest) tick(h usage) {
	if h.cycles != r.cycles {
		r.cycles, r.ticks = h.cycles, 0
		return
	}
	// No more often than Go collects by default, when as much has died as lives:
	// to look through a large heap for a few MiB would cost more than they do.
	if r.ticks++; r.ticks < restTicks || h.spare < max(worthwhile, h.live) {
		return
	}
	r.ticks = 0
	r.free()
}
