package rooms

import "sync/atomic"

// frame is one encoded message. All clients for which it waits share it, so its
// bytes count once for any number of clients.
type frame struct {
	payload []byte
	budget  *budget
	// holders counts the queues that hold the frame, and the caller that fills
	// them.
	holders atomic.Int32
}

// newFrame returns a frame with its caller as the first holder. It returns false
// if the budget has no space for the frame.
func newFrame(payload []byte, b *budget) (*frame, bool) {
	if !b.reserve(len(payload)) {
		return nil, false
	}
	f := &frame{payload: payload, budget: b}
	f.holders.Store(1)
	return f, true
}

func (f *frame) hold() { f.holders.Add(1) }

// release returns the frame's bytes to the budget when the last holder releases
// it.
func (f *frame) release() {
	if f.holders.Add(-1) == 0 {
		f.budget.release(len(f.payload))
	}
}
