package rooms

import "sync/atomic"

// budget limits a number of bytes that are in memory for a while, such as the
// messages that wait for all clients of a worker.
type budget struct {
	most int64
	held atomic.Int64
}

// take reports whether n more bytes fit, and counts them if they do.
func (b *budget) take(n int) bool {
	if b.held.Add(int64(n)) <= b.most {
		return true
	}
	b.held.Add(-int64(n))
	return false
}

func (b *budget) give(n int) { b.held.Add(-int64(n)) }
