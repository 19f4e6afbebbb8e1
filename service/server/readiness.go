package server

import "sync/atomic"

// Readiness is the state of a worker between start and end. Its zero value is
// Starting.
type Readiness struct{ state atomic.Uint32 }

// The states of a worker, in their order. A worker never goes back to an
// earlier state.
const (
	Starting uint32 = iota
	Ready
	Draining
)

// Set moves on to a later state.
func (r *Readiness) Set(state uint32) {
	for {
		now := r.state.Load()
		if now >= state || r.state.CompareAndSwap(now, state) {
			return
		}
	}
}

// Is reports whether the worker is in this state.
func (r *Readiness) Is(state uint32) bool { return r.state.Load() == state }

// String returns "starting", "ready" or "draining".
func (r *Readiness) String() string {
	switch r.state.Load() {
	case Starting:
		return "starting"
	case Ready:
		return "ready"
	default:
		return "draining"
	}
}
