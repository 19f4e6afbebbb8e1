package rooms

import "sync/atomic"

// budget limits a number of bytes that are in memory for a while, such as the
// messages that wait for all clients of a worker.
type budget struct {
	limit int64
	held  atomic.Int64
}

// reserve reports whether n more bytes fit, and counts them if they do.
func (b *budget) reserve(n int) bool {
	if b.held.Add(int64(n)) <= b.limit {
		return true
	}
	b.held.Add(-int64(n))
	return false
}

func (b *budget) release(n int) { b.held.Add(-int64(n)) }
