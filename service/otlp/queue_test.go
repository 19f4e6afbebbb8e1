package otlp

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/config"
)

var limits = config.Batch{Delay: time.Second, Timeout: 30 * time.Second, Queue: 10, Size: 4}

// collector accepts or refuses batches as answer decides.
type collector struct {
	mu     sync.Mutex
	got    [][]int
	answer func(context.Context) error
}

func (c *collector) export(ctx context.Context, items []int) error {
	c.mu.Lock()
	answer := c.answer
	c.mu.Unlock()
	if answer != nil {
		if err := answer(ctx); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, items)
	return nil
}

func (c *collector) taken() [][]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got
}

func (c *collector) answers(answer func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// size returns the number of bytes in the queue.
func (q *queue[T]) size() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}

func hang(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestBatchesAreSentByTimeAndBySize(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &collector{}
		q := newQueue(limits, 100, c.export)
		q.add(1, 1)
		q.add(2, 1)
		synctest.Wait()
		assert.Empty(t, c.taken(), "a batch waits for more")
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, [][]int{{1, 2}}, c.taken())
		for i := 3; i <= 7; i++ {
			q.add(i, 1)
		}
		synctest.Wait()
		assert.Equal(t, [][]int{{1, 2}, {3, 4, 5, 6}}, c.taken(), "a full batch does not wait")
		require.NoError(t, q.end(t.Context()))
		assert.Equal(t, [][]int{{1, 2}, {3, 4, 5, 6}, {7}}, c.taken(), "the rest is sent at the end")
		assert.Zero(t, q.dropped.Load())
		q.add(8, 1)
		assert.EqualValues(t, 1, q.dropped.Load(), "what comes later is counted")
		require.NoError(t, q.end(t.Context()))
	})
}

func TestWhatWaitsIsLimited(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ size, fit int }{"in number": {1, 10}, "in bytes": {30, 3}, "one that is too large": {101, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				c := &collector{answer: hang}
				q := newQueue(limits, 100, c.export)
				for i := range 20 {
					q.add(i, tt.size)
					synctest.Wait() // also during the export of the first batch
				}
				assert.EqualValues(t, 20-tt.fit, q.dropped.Load())
				assert.Zero(t, time.Since(began), "adding never waits")
				time.Sleep(10 * limits.Timeout)
				synctest.Wait()
				assert.EqualValues(t, 20, q.dropped.Load(), "what was not taken in time is lost, and counted")
				assert.Zero(t, q.size())
				c.answers(nil)
				q.add(20, 99)
				require.NoError(t, q.end(t.Context()), "there is room again")
				assert.Equal(t, [][]int{{20}}, c.taken())
			})
		})
	}
}

func TestTheEndIsLimited(t *testing.T) {
	t.Parallel()
	refuse := func(context.Context) error { return errors.New("500") }
	for name, tt := range map[string]struct {
		answer func(context.Context) error
		most   time.Duration
	}{"hangs": {hang, time.Second}, "refuses": {refuse, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &collector{answer: tt.answer}
				q := newQueue(limits, 100, c.export)
				for i := range 6 { // one batch is being exported, and two items wait
					q.add(i, 1)
				}
				synctest.Wait()
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				require.ErrorContains(t, q.end(ctx), "were not sent")
				assert.Equal(t, tt.most, time.Since(began))
				synctest.Wait()
				assert.EqualValues(t, 6, q.dropped.Load())
				select {
				case <-q.done:
				default:
					assert.Fail(t, "its goroutine still runs")
				}
			})
		})
	}
}

// TestAnExporterWithoutAnEnd checks that an exporter that ignores its context
// does not delay the end either.
func TestAnExporterWithoutAnEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		q := newQueue(limits, 100, func(context.Context, []int) error { <-release; return nil })
		q.add(1, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorContains(t, q.end(ctx), "1 were not sent")
		close(release)
		<-q.done
	})
}
