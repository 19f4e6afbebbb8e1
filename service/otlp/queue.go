package otlp

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"escala/service/config"
)

// maxWaitingBytes is the largest number of bytes that wait for the collector, for each
// of traces and logs.
const maxWaitingBytes = 4 << 20

// queue exports items in batches in the background. add never waits, because an
// unavailable collector must not delay a request, a drain or a signal. Items
// beyond the limits and items whose export fails are dropped and counted.
type queue[T any] struct {
	export func(context.Context, []T) error
	limits config.Batch
	// maxBytes is the limit in bytes.
	maxBytes int
	dropped  atomic.Uint64

	mu      sync.Mutex
	waiting []queued[T]
	// bytes is the size of all items, including those that are being exported.
	// exporting is the number of the latter.
	bytes, exporting int
	ended            bool

	// running is the context of all exports. It ends when the time for the last
	// export is over.
	running context.Context
	cancel  context.CancelFunc
	// full has a value if a batch is complete. end closes ending, and the queue's
	// goroutine closes done.
	full         chan struct{}
	ending, done chan struct{}
}

// grace is the time that an exporter has to return after its context has ended.
const grace = 100 * time.Millisecond

type queued[T any] struct {
	item T
	size int
}

// newQueue returns a queue and starts its goroutine. end ends the goroutine.
func newQueue[T any](limits config.Batch, maxBytes int, export func(context.Context, []T) error) *queue[T] {
	q := &queue[T]{
		export: export, limits: limits, maxBytes: maxBytes,
		full: make(chan struct{}, 1), ending: make(chan struct{}), done: make(chan struct{}),
	}
	q.running, q.cancel = context.WithCancel(context.Background()) //nolint:gosec // G118: end calls it
	go q.run()
	return q
}

// add queues an item of size bytes.
func (q *queue[T]) add(item T, size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended || q.bytes+size > q.maxBytes || len(q.waiting)+q.exporting >= q.limits.Queue {
		q.dropped.Add(1)
		return
	}
	q.waiting = append(q.waiting, queued[T]{item, size})
	q.bytes += size
	if len(q.waiting) >= q.limits.Size {
		select {
		case q.full <- struct{}{}:
		default:
		}
	}
}

func (q *queue[T]) run() {
	defer close(q.done)
	timer := time.NewTimer(q.limits.Delay)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			q.send(1)
		case <-q.full:
			q.send(q.limits.Size)
		case <-q.ending:
			q.send(1)
			return
		}
		timer.Reset(q.limits.Delay)
	}
}

// send exports batches while at least this many items wait.
func (q *queue[T]) send(least int) {
	for {
		items, size := q.take(least)
		if len(items) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(q.running, q.limits.Timeout)
		err := q.export(ctx, items)
		cancel()
		if err != nil {
			q.dropped.Add(uint64(len(items)))
		}
		q.mu.Lock()
		q.bytes -= size
		q.exporting = 0
		q.mu.Unlock()
	}
}

// take removes and returns the next batch. It returns nothing if fewer items
// wait.
func (q *queue[T]) take(least int) ([]T, int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) < least {
		return nil, 0
	}
	n := min(len(q.waiting), q.limits.Size)
	items, size := make([]T, 0, n), 0
	for _, one := range q.waiting[:n] {
		items = append(items, one.item)
		size += one.size
	}
	clear(q.waiting[:n])
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	q.exporting = n
	return items, size
}

// end exports the waiting items until ctx ends. The remaining items are lost, and
// the error has their number.
func (q *queue[T]) end(ctx context.Context) error {
	q.mu.Lock()
	again := q.ended
	q.ended = true
	q.mu.Unlock()
	if again {
		return nil
	}
	close(q.ending)
	before := q.dropped.Load()
	defer context.AfterFunc(ctx, q.cancel)()
	defer q.cancel()
	select {
	case <-q.done:
	case <-ctx.Done():
		// Ending the exporter's context makes it return and report the outage.
		q.cancel()
		select {
		case <-q.done:
		case <-time.After(grace):
			q.mu.Lock()
			left := len(q.waiting) + q.exporting
			q.mu.Unlock()
			return fmt.Errorf("%d were not sent: %w", left, context.Cause(ctx))
		}
	}
	if n := q.dropped.Load() - before; n > 0 {
		return fmt.Errorf("%d were not sent", n)
	}
	return nil
}
