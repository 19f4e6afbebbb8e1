package rooms

import "sync/atomic"

// frame is one encoded message. All clients that it waits for share it, so it
// counts once, however many they are.
type frame struct {
	payload []byte
	budget  *budget
	// holders counts the queues that have it, and the caller that fills them.
	holders atomic.Int32
}

// newFrame returns a frame that its caller holds. It reports false when the
// budget has no room for it.
func newFrame(payload []byte, b *budget) (*frame, bool) {
	if !b.take(len(payload)) {
		return nil, false
	}
	f := &frame{payload: payload, budget: b}
	f.holders.Store(1)
	return f, true
}

func (f *frame) hold() { f.holders.Add(1) }

// release gives the frame's bytes back when the last holder is done with it.
func (f *frame) release() {
	if f.holders.Add(-1) == 0 {
		f.budget.give(len(f.payload))
	}
}
