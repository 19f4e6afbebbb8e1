package server

import (
	"errors"
	"io"
	"time"
)

// body is a request's body. Sending it may take any time, but each silence of the
// client is limited to HTTP_READ_TIMEOUT. body also records that a handler waits
// for it, so that a drain can distinguish a silent client from a working handler.
type body struct {
	io.ReadCloser
	// conn is the connection of an HTTP/1 request; stream is the stream of an
	// HTTP/2 request. Both are nil if the server does not own the connection.
	conn   *conn
	stream *stream
	// failed is the error of the last read. After it, Read does not read again.
	failed error
}

// Read reads from the client.
func (b *body) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	var n int
	switch {
	case b.stream != nil:
		n, b.failed = b.readStream(p)
	case b.conn != nil:
		n, b.failed = b.readConn(p)
	default:
		n, b.failed = b.ReadCloser.Read(p)
	}
	return n, b.failed
}

func (b *body) readConn(p []byte) (int, error) {
	b.conn.readingBody.Store(true)
	defer b.conn.readingBody.Store(false)
	if err := b.limit(); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		// From here on net/http watches for the end of the connection.
		if cleared := b.conn.SetReadDeadline(time.Time{}); cleared != nil {
			return n, cleared
		}
	}
	return n, err
}

func (b *body) limit() error {
	if limit := b.conn.set.readTimeout; limit > 0 {
		return b.conn.SetReadDeadline(time.Now().Add(limit))
	}
	return nil
}

func (b *body) readStream(p []byte) (int, error) {
	b.stream.reading.Store(true)
	defer b.stream.reading.Store(false)
	if err := b.stream.limitReading(); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.stream.reads.Add(1)
	}
	return n, err
}

// leave runs when the handler has returned: net/http reads the rest of a short
// body, and must not wait forever for a silent client.
func (b *body) leave() {
	if b.conn != nil && b.failed == nil {
		_ = b.limit() // a closed connection needs no deadline
	}
}
