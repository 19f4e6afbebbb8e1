package rooms

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// writeLimit is the time limit for writing one message to a client.
	writeLimit = 10 * time.Second
	// closeLimit is the time limit for a client's answer to a close.
	closeLimit = 2 * time.Second
)

// client is one WebSocket. A quiet client costs one goroutine, its reader: the
// writer runs only while messages are waiting.
type client struct {
	hub      *Hub
	conn     *websocket.Conn
	raw      net.Conn
	id, name string
	room     string
	// turn is the part of the ping interval in which the client is pinged, from 0
	// to pingSlices-1.
	turn int

	// behind is the number of bytes that wait for the client.
	behind atomic.Int64

	mu      sync.Mutex
	queue   queue
	writing bool
	ended   bool
}

// send queues a message for the client.
func (c *client) send(f *frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	if !c.queue.fits(f, c.hub.o.Queue, c.hub.o.QueueBytes, c.writing) {
		if c.hub.o.Slow == DropSlow {
			c.hub.counts.slow.Inc()
			return
		}
		c.applySlowPolicy()
		return
	}
	c.queue.add(f)
	c.behind.Store(int64(c.queue.bytes))
	if !c.writing {
		c.writing = true
		go c.write()
	}
}

// write writes all queued messages and ends.
func (c *client) write() {
	for {
		c.mu.Lock()
		if len(c.queue.frames) == 0 || c.ended {
			c.stopWriting()
			c.mu.Unlock()
			return
		}
		next := c.queue.frames[0]
		c.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), writeLimit)
		err := c.conn.Write(ctx, websocket.MessageText, next.payload)
		if err != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		cancel()
		c.mu.Lock()
		c.queue.done()
		c.behind.Store(int64(c.queue.bytes))
		if err != nil {
			if !c.ended && errors.Is(err, context.DeadlineExceeded) {
				c.hub.counts.slow.Inc()
				c.hub.counts.closed.Inc()
			}
			// The reader notices the broken connection and cleans up.
			c.ended = true
			c.stopWriting()
		}
		c.mu.Unlock()
		if err != nil {
			_ = c.conn.CloseNow()
			return
		}
		c.hub.counts.sent.Inc()
	}
}

// stopWriting marks the end of write. The caller holds the client's lock.
func (c *client) stopWriting() {
	c.writing = false
	c.queue.clear(false)
	c.queue = queue{}
	c.behind.Store(0)
}

// read handles the client's messages until the client leaves or is closed.
func (c *client) read() {
	defer c.leave()
	c.conn.SetReadLimit(c.hub.o.MaxMessageBytes)
	allowed := newBucket(c.hub.o.Rate, c.hub.o.Burst)
	for {
		refused, reason := websocket.StatusCode(0), ""
		err := c.next(func(typ websocket.MessageType, b []byte) {
			c.hub.counts.received.Inc()
			switch {
			case typ != websocket.MessageText:
				refused, reason = websocket.StatusUnsupportedData, "text messages only"
			case !allowed.take(time.Now()):
				refused, reason = websocket.StatusPolicyViolation, "too many messages"
			default:
				c.hub.broadcast(c.room, encode(Message{
					Type: "message", Room: c.room, From: c.id, Name: c.name, Text: string(b), At: time.Now().UTC(),
				}))
			}
		})
		if err != nil {
			return
		}
		if refused != 0 {
			c.close(refused, reason)
			return
		}
	}
}

// close sends the reason to the client and waits at most closeLimit for its
// answer.
func (c *client) close(code websocket.StatusCode, reason string) {
	cut := time.AfterFunc(closeLimit, func() { _ = c.raw.Close() })
	defer cut.Stop()
	_ = c.conn.Close(code, reason) // the client may have disconnected
}

func (c *client) leave() {
	_ = c.conn.CloseNow()
	c.mu.Lock()
	c.ended = true
	c.queue.clear(c.writing)
	c.behind.Store(int64(c.queue.bytes))
	c.mu.Unlock()
	c.hub.leave(c)
}
