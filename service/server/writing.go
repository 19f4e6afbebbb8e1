package server

import (
	"io"
	"math"
	"net/http"
	"os"
	"time"
)

// writeChunk is the number of bytes that are written under one deadline. A peer
// that takes less than this within HTTP_WRITE_TIMEOUT counts as silent.
const writeChunk = 64 << 10

// fileChunk is the number of bytes that the kernel sends from a file under one
// deadline.
const fileChunk = 1 << 20

// limitWriting gives the peer HTTP_WRITE_TIMEOUT, and at most a quarter more,
// to read the next bytes. An answer may take any time as long as the peer reads
// some of it. net/http's WriteTimeout limits the whole answer instead, which
// cuts streams.
//
// The connection's timer is set again only when a quarter of the limit has
// passed, because setting it costs a thirtieth of a request.
func (c *conn) limitWriting() error {
	limit := c.set.writeTimeout
	if limit <= 0 || c.ownDeadline.Load() || phase(c.phase.Load()) == phaseHijacked {
		return nil
	}
	due := time.Since(c.set.started) + limit
	if time.Duration(c.armed.Load()) >= due {
		return nil
	}
	due += limit / 4
	c.armed.Store(int64(due))
	return c.Conn.SetWriteDeadline(c.set.started.Add(due))
}

// Write sends p. It records that a write is in progress, so that a peer that
// does not read can be distinguished from a handler that computes.
func (c *conn) Write(p []byte) (int, error) {
	c.writing.Store(true)
	defer c.wrote()
	sent := 0
	for {
		if err := c.limitWriting(); err != nil {
			return sent, err
		}
		n, err := c.Conn.Write(p[sent:min(sent+writeChunk, len(p))])
		sent += n
		if err != nil || sent >= len(p) {
			return sent, err
		}
	}
}

// ReadFrom lets the kernel send files. Any other source is copied: it may be slow
// itself, and that is not the peer's silence.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader) // net/http wraps files in one of these; sendfile supports only one level
	if !ok {
		limited = &io.LimitedReader{R: r, N: math.MaxInt64}
	}
	if !regular(limited.R) {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	c.writing.Store(true)
	defer c.wrote()
	sent := int64(0)
	for limited.N > 0 {
		if err := c.limitWriting(); err != nil {
			return sent, err
		}
		chunk := &io.LimitedReader{R: limited.R, N: min(fileChunk, limited.N)}
		want := chunk.N
		n, err := io.Copy(c.Conn, chunk)
		sent += n
		limited.N -= n
		if err != nil || n < want {
			return sent, err
		}
	}
	return sent, nil
}

func regular(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

func (c *conn) wrote() {
	c.writing.Store(false)
	c.mark()
}

// SetWriteDeadline sets a handler's own deadline. It replaces
// HTTP_WRITE_TIMEOUT until the end of the answer. net/http clears it after each
// answer, which costs nothing here.
func (c *conn) SetWriteDeadline(t time.Time) error {
	own := !t.IsZero()
	if c.ownDeadline.Swap(own) == own && !own {
		return nil
	}
	c.armed.Store(0)
	return c.Conn.SetWriteDeadline(t)
}

// takenOver removes the deadlines of a connection that a handler has hijacked.
// The handler sets its own.
func (c *conn) takenOver() {
	if c.armed.Swap(0) != 0 {
		_ = c.Conn.SetWriteDeadline(time.Time{}) // a closed connection has no deadline
	}
}

// limitWriting limits the silence of the client of one HTTP/2 stream: a client
// that does not read its answer must not block a handler.
func (st *stream) limitWriting() error {
	limit := st.limits.WriteTimeout
	if limit <= 0 {
		return nil
	}
	now := time.Now()
	if st.writeDue.Sub(now) >= limit {
		return nil
	}
	st.writeDue = now.Add(limit + limit/4)
	return st.control.SetWriteDeadline(st.writeDue)
}

// writeTo writes p to the stream in parts.
func (st *stream) writeTo(w http.ResponseWriter, p []byte) (int, error) {
	st.writing.Store(true)
	defer st.writing.Store(false)
	sent := 0
	for {
		if err := st.limitWriting(); err != nil {
			return sent, err
		}
		n, err := w.Write(p[sent:min(sent+writeChunk, len(p))])
		sent += n
		if err != nil || sent >= len(p) {
			return sent, err
		}
	}
}
