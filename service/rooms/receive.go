package rooms

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/coder/websocket"
)

const (
	// readLimit is the time limit for receiving one message from a client, from
	// its first byte to its last.
	readLimit = 10 * time.Second
	// freeRead is the number of bytes of a message that are read without
	// reserving memory.
	freeRead = 2 << 10
)

// next reads the client's next message and passes it to use. The number of bytes
// that are read from all clients at a time is limited. A long message waits until
// enough bytes are free. Until then, its rest stays in the client's kernel.
func (c *client) next(use func(websocket.MessageType, []byte)) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	typ, r, err := c.conn.Reader(ctx)
	if err != nil {
		return err
	}
	late := time.AfterFunc(readLimit, cancel)
	defer late.Stop()
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, freeRead); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if b.Len() < freeRead {
		use(typ, b.Bytes())
		return nil
	}
	// All bytes are reserved at once, so that a waiting client holds none. The
	// factor is two, because a growing buffer is in memory twice for a moment.
	room := min(2*c.hub.o.MaxMessageBytes, c.hub.readable)
	if err := c.hub.reading.Acquire(ctx, room); err != nil {
		return err
	}
	defer c.hub.reading.Release(room)
	if _, err := b.ReadFrom(r); err != nil {
		return err
	}
	use(typ, b.Bytes())
	return nil
}
