package rooms

// queue holds the messages that wait for one client, including the one that is
// being written.
type queue struct {
	frames []*frame
	bytes  int
}

// fits reports whether one more frame may wait beside the one that is being
// written. A frame that exceeds the limit may wait alone.
func (q *queue) fits(f *frame, most, mostBytes int, writing bool) bool {
	waiting := len(q.frames)
	if writing && waiting > 0 {
		waiting--
	}
	return waiting < most && (waiting == 0 || q.bytes+len(f.payload) <= mostBytes)
}

func (q *queue) add(f *frame) {
	f.hold()
	q.frames = append(q.frames, f)
	q.bytes += len(f.payload)
}

// done removes the first frame.
func (q *queue) done() {
	f := q.frames[0]
	q.frames[0] = nil
	q.frames = q.frames[1:]
	q.bytes -= len(f.payload)
	f.release()
}

// clear removes all frames, except the first one if it is being written.
func (q *queue) clear(writing bool) {
	keep := 0
	if writing && len(q.frames) > 0 {
		keep = 1
	}
	for i, f := range q.frames[keep:] {
		q.bytes -= len(f.payload)
		f.release()
		q.frames[keep+i] = nil
	}
	q.frames = q.frames[:keep]
}
