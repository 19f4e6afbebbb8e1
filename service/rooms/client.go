package rooms

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// writeLimit bounds the writing of one message to a client.
	writeLimit = 10 * time.Second
	// closeLimit is how long a client may take to answer a close.
	closeLimit = 2 * time.Second
)

// client is one WebSocket. A quiet one costs one goroutine (its reader): the
// writer only lives while there is something to write.
type client struct {
	hub      *Hub
	conn     *websocket.Conn
	raw      net.Conn
	id, name string
	room     string
	// turn is when it is pinged, from 0 to pingSlices-1.
	turn int

	mu      sync.Mutex
	queue   [][]byte
	writing bool
	ended   bool
}

// send queues a message for the client.
func (c *client) send(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	if len(c.queue) >= c.hub.o.Queue {
		c.hub.counts.slow.Inc()
		if c.hub.o.Slow == CloseSlow {
			c.ended = true
			c.queue = nil
			go c.close(websocket.StatusTryAgainLater, "too slow")
		}
		return
	}
	c.queue = append(c.queue, payload)
	if !c.writing {
		c.writing = true
		go c.write()
	}
}

// write empties the queue and ends.
func (c *client) write() {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 || c.ended {
			c.queue, c.writing = nil, false
			c.mu.Unlock()
			return
		}
		next := c.queue[0]
		c.queue = c.queue[1:]
		c.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), writeLimit)
		err := c.conn.Write(ctx, websocket.MessageText, next)
		cancel()
		if err != nil {
			// The reader notices the broken connection and cleans up.
			c.mu.Lock()
			c.ended, c.queue, c.writing = true, nil, false
			c.mu.Unlock()
			_ = c.conn.CloseNow()
			return
		}
		c.hub.counts.sent.Inc()
	}
}

// read takes what the client says until it leaves or is sent away.
func (c *client) read() {
	defer c.leave()
	c.conn.SetReadLimit(c.hub.o.MaxMessageBytes)
	allowed := newBucket(c.hub.o.Rate, c.hub.o.Burst)
	for {
		typ, b, err := c.conn.Read(context.Background())
		if err != nil {
			return
		}
		c.hub.counts.received.Inc()
		switch {
		case typ != websocket.MessageText:
			c.close(websocket.StatusUnsupportedData, "text messages only")
			return
		case !allowed.take(time.Now()):
			c.close(websocket.StatusPolicyViolation, "too many messages")
			return
		}
		c.hub.say(c.room, encode(Message{
			Type: "message", Room: c.room, From: c.id, Name: c.name, Text: string(b), At: time.Now().UTC(),
		}))
	}
}

// close tells the client why and waits for its answer, but not for long.
func (c *client) close(code websocket.StatusCode, reason string) {
	cut := time.AfterFunc(closeLimit, func() { _ = c.raw.Close() })
	defer cut.Stop()
	_ = c.conn.Close(code, reason) // the client may be gone already
}

func (c *client) leave() {
	_ = c.conn.CloseNow()
	c.mu.Lock()
	c.ended, c.queue = true, nil
	c.mu.Unlock()
	c.hub.leave(c)
}
