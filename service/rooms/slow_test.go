package rooms

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSlowReadersAreBoundedInBytes checks the limit of waiting bytes with 45
// clients, each in its own room, that send and never read. It counts bytes, and
// not the process's memory. A bubble's clock stops while clients send, so no time
// limit ends their sending. The sizes are therefore small: twenty messages exceed
// the connection and the queue of a client.
func TestSlowReadersAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.MaxMessageBytes, o.Rate, o.Burst = 4<<10, 1e6, 1e6
		o.QueueBytes, o.QueuesBytes = 32<<10, 256<<10
		h := serve(t, o)
		const clients = 45
		// JSON needs six bytes for each of these bytes.
		loud := []byte(strings.Repeat("\x01", 4<<10))
		var all sync.WaitGroup
		most := int64(0)
		var lock sync.Mutex
		for i := range clients {
			c, _, err := h.try(t, fmt.Sprintf("?room=r%d", i), nil) //nolint:bodyclose // the library closes it
			require.NoError(t, err)
			all.Go(func() {
				for range 20 {
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					err := c.Write(ctx, websocket.MessageText, loud)
					cancel()
					lock.Lock()
					most = max(most, h.waiting.held.Load())
					lock.Unlock()
					if err != nil {
						return // the hub has closed the client
					}
				}
			})
		}
		all.Wait()
		time.Sleep(writeLimit + closeLimit)
		synctest.Wait()
		assert.Zero(t, h.Open(), "every one is sent away")
		assert.InDelta(t, clients, testutil.ToFloat64(h.counts.closed), 0)
		assert.Positive(t, most)
		assert.LessOrEqual(t, most, int64(o.QueuesBytes), "what waits for all of them")
		assert.Zero(t, h.waiting.held.Load(), "everything is given back")
		assert.True(t, h.reading.TryAcquire(h.readable), "everything is given back")
	})
}

// TestBytesThatWaitForOneClientAreBounded checks the limit of bytes that wait for
// a client that does not read. All other limits are far away.
func TestBytesThatWaitForOneClientAreBounded(t *testing.T) {
	t.Parallel()
	o := options()
	o.Queue, o.QueueBytes, o.QueuesBytes, o.Slow = 1000, 5000, 1<<20, DropSlow
	h := New(o)
	c := &client{hub: h, writing: true}
	for range 9 {
		h.sendAll(make([]byte, 1000), []*client{c})
		assert.LessOrEqual(t, c.queue.bytes, o.QueueBytes)
	}
	assert.Len(t, c.queue.frames, 5)
	assert.InDelta(t, 4, testutil.ToFloat64(h.counts.slow), 0, "each that it misses is counted")

	large := &client{hub: h, writing: true}
	for range 3 {
		h.sendAll(make([]byte, 6000), []*client{large})
	}
	assert.Len(t, large.queue.frames, 2, "a message above the limit waits alone, beside what is being written")
	h.sendAll(make([]byte, 1), []*client{large})
	assert.Len(t, large.queue.frames, 2)
}

// TestOneEncodingForAll checks that a message for many clients of a room counts
// once.
func TestOneEncodingForAll(t *testing.T) {
	t.Parallel()
	h := New(options())
	var clients []*client
	for range 100 {
		c := &client{hub: h, writing: true} // as if a write never returned
		clients = append(clients, c)
	}
	payload := []byte(strings.Repeat("x", 1000))
	h.sendAll(payload, clients)
	h.sendAll(payload, clients)
	assert.EqualValues(t, 2000, h.waiting.held.Load(), "a message that waits for a hundred counts once")
	assert.Equal(t, 2000, clients[7].queue.bytes)
	for _, c := range clients {
		c.queue.clear(false)
	}
	assert.Zero(t, h.waiting.held.Load())
}

// TestTheSlowestMakesRoom checks that a client that has read everything is not
// closed in favor of clients that have not.
func TestTheSlowestMakesRoom(t *testing.T) {
	t.Parallel()
	o := options()
	o.QueuesBytes, o.Slow = 5000, DropSlow
	h := New(o)
	slow, fast := &client{hub: h, writing: true}, &client{hub: h, writing: true}
	h.clients[slow], h.clients[fast] = struct{}{}, struct{}{}
	for range 4 {
		h.sendAll(make([]byte, 1000), []*client{slow})
	}
	h.sendAll(make([]byte, 1000), []*client{fast})
	h.sendAll(make([]byte, 1000), []*client{fast})
	assert.Equal(t, 2000, fast.queue.bytes)
	assert.Equal(t, 1000, slow.queue.bytes, "but for what is just being written")
	assert.LessOrEqual(t, h.waiting.held.Load(), int64(o.QueuesBytes))
	assert.InDelta(t, 1, testutil.ToFloat64(h.counts.slow), 0)
}

// TestHalfMessagesHoldNobodyUp checks that short messages pass while other
// clients have begun long messages and never finish them. Until those clients are
// closed, they use all bytes that are reserved for long messages.
func TestHalfMessagesHoldNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.MaxMessageBytes, o.QueuesBytes = 1<<20, 1<<20
		h := serve(t, o)
		for i := range 20 {
			c, _, err := h.try(t, fmt.Sprintf("?room=r%d", i), nil) //nolint:bodyclose // the library closes it
			require.NoError(t, err)
			w, err := c.Writer(t.Context(), websocket.MessageText)
			require.NoError(t, err)
			_, err = w.Write(make([]byte, 50<<10))
			require.NoError(t, err)
		}
		synctest.Wait()
		assert.False(t, h.reading.TryAcquire(1), "all room is taken")
		c := h.join(t, nil)
		require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte("short")))
		for next(t, c)["type"] != "message" {
		}
		time.Sleep(readLimit + time.Second)
		synctest.Wait()
		assert.Equal(t, 1, h.Open(), "who never finishes is sent away")
		assert.True(t, h.reading.TryAcquire(h.readable))
	})
}
