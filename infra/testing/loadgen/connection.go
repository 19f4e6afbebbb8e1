package loadgen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// connection is one connection to the service. Each request is written exactly
// once.
//
// net/http's ClientConn does not repeat a request either, but it reads the
// connection in a goroutine of its own. That the service closed an idle
// connection, or sent an unrequested answer, is known only after that goroutine
// has run. On a busy computer the next request would go to a dead connection or
// get the wrong answer, and count as the service's failure.
//
// Measured with Go 1.26 on two cores with a load of 19, over connections that the
// server closes after 20 ms and that are used again after 25 to 31 ms: with
// ClientConn 17 to 23 % of the requests failed, with closedWhileIdle 3 to 5 %.
type connection struct {
	net.Conn
	reader *bufio.Reader
	used   bool  // has carried a request before
	broken error // the last error of the network
}

// outcome is the result of one arrival.
type outcome struct {
	kind            Kind
	status          int // 0 without an answer
	release, worker string
	reused          bool // the connection had carried a request before
	idleClosed      int  // kept connections found closed before this one
	opened          bool // opened a connection
	started         time.Time
	took            time.Duration
	err             error
}

// largestAnswer is the limit of an answer's body.
const largestAnswer = 8 << 20

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4096) }}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// buffer is scratch space for one exchange.
type buffer struct {
	request []byte
	answer  bytes.Buffer
}

func newConnection(conn net.Conn) *connection {
	reader, _ := readers.Get().(*bufio.Reader)
	c := &connection{Conn: conn, reader: reader}
	reader.Reset(c)
	return c
}

// Read reads from the network and stores the error. Parsers often report a
// truncated line as malformed, so the stored error is needed to tell the two
// apart.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.broken = err
	return n, err //nolint:wrapcheck // a reader's error is passed on as it is
}

// end closes the connection for good.
func (c *connection) end() {
	_ = c.Close() // nothing on it can be lost
	c.reader.Reset(nil)
	readers.Put(c.reader)
}

// exchange writes one request and reads its answer. again reports whether the
// connection can be used again.
func (c *connection) exchange(p *requestTemplate, a arrival, o *outcome) (again bool) {
	scratch, _ := buffers.Get().(*buffer)
	defer buffers.Put(scratch)

	whole, body := p.appendRequest(scratch.request[:0], a)
	scratch.request = whole
	o.reused = c.used
	c.used = true
	if _, err := c.Write(whole); err != nil {
		o.fail(fmt.Errorf("write request: %w", err))
		return false
	}
	answer, err := c.readHeader(p) //nolint:bodyclose // the body is read off the connection itself
	if err != nil {
		o.fail(err)
		return false
	}
	o.status = answer.StatusCode
	o.release, o.worker = answer.Header.Get("X-Release"), answer.Header.Get("X-Worker")

	// The body is not closed. It is read to its end, or the connection is given
	// up; closing the body would read on until the deadline.
	scratch.answer.Reset()
	n, err := scratch.answer.ReadFrom(io.LimitReader(answer.Body, largestAnswer+1))
	switch {
	case err != nil:
		o.fail(fmt.Errorf("read body: %w", c.cause(err)))
		return false
	case n > largestAnswer:
		o.kind, o.err = BadBody, fmt.Errorf("answer is longer than %d bytes", largestAnswer)
		return false
	case o.status != p.stream.Status:
		o.kind, o.err = BadStatus, fmt.Errorf("status %d, want %d", o.status, p.stream.Status)
	case p.stream.Echo && !bytes.HasSuffix(scratch.answer.Bytes(), body):
		o.kind, o.err = BadBody, fmt.Errorf("%d bytes came back that are not the %d bytes sent", n, len(body))
	default:
		o.kind = OK
	}
	return a.keep && !answer.Close && c.reader.Buffered() == 0
}

// readHeader reads up to the end of the final answer's header.
func (c *connection) readHeader(p *requestTemplate) (*http.Response, error) {
	// ReadResponse does not distinguish "closed instead of answering" from
	// "closed in the middle of the answer", so peek at the first byte.
	if _, err := c.reader.Peek(1); err != nil {
		return nil, fmt.Errorf("wait for answer: %w", err)
	}
	for {
		answer, err := http.ReadResponse(c.reader, p.request)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read header: %w", c.cause(err))
		case answer.StatusCode >= http.StatusOK:
			return answer, nil
		}
	}
}

// fail stores the error and its kind.
func (o *outcome) fail(err error) {
	o.kind, o.err = kindOf(err), err
}

// cause adds the network's error to err if there was one. Otherwise err comes
// from the parser, and cause marks it as malformed.
func (c *connection) cause(err error) error {
	switch {
	case kindOf(err) != Other:
		return err
	case errors.Is(c.broken, io.EOF):
		return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	case c.broken != nil:
		return fmt.Errorf("%w: %w", c.broken, err)
	}
	return fmt.Errorf("%w: %w", errMalformed, err)
}
