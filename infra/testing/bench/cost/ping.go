package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// These are the parts of the WebSocket protocol that an idle client needs.
const (
	opPing   = 9
	opClose  = 8
	final    = 0x80
	masked   = 0x80
	size16   = 126
	shortest = 125
)

// answerPings answers pings and discards all other frames until the connection
// ends. It returns the reason of the end.
func answerPings(c net.Conn, r *bufio.Reader) error {
	var head [4]byte
	for {
		if _, err := io.ReadFull(r, head[:2]); err != nil {
			return fmt.Errorf("reading a frame: %w", err)
		}
		op, size := head[0]&0x0f, int(head[1])
		if size == size16 {
			if _, err := io.ReadFull(r, head[2:4]); err != nil {
				return fmt.Errorf("reading a frame: %w", err)
			}
			size = int(binary.BigEndian.Uint16(head[2:4]))
		}
		if op != opPing || size > shortest {
			if _, err := r.Discard(size); err != nil {
				return fmt.Errorf("reading a frame: %w", err)
			}
			if op == opClose {
				return io.EOF
			}
			continue
		}
		// The mask is four zero bytes, so it does not change the payload.
		pong := make([]byte, 6+size)
		pong[0], pong[1] = final|0x0a, masked|byte(size)
		if _, err := io.ReadFull(r, pong[6:]); err != nil {
			return fmt.Errorf("reading a frame: %w", err)
		}
		if _, err := c.Write(pong); err != nil {
			return fmt.Errorf("answering a ping: %w", err)
		}
	}
}
