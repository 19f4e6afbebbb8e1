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

// connection is one connection to the service. A request is written to it once and
// never again.
//
// net/http's ClientConn does not repeat a request either, but a goroutine of its own
// reads the connection: that the service closed it while it was idle, or sent an
// answer that was not asked for, is known only after that goroutine got the
// processor. On a busy computer the next request would be lost on a connection that
// is known to be dead, or get the wrong answer, and count as the service's failure.
type connection struct {
	net.Conn
	reader *bufio.Reader
	used   bool  // has carried a request before
	broken error // what the last read from the network failed with
}

// outcome is how one arrival ended.
type outcome struct {
	kind            Kind
	status          int // 0: no answer
	release, worker string
	reused          bool // on a connection that had carried a request before
	idleClosed      int  // kept connections that were found closed before this
	opened          bool // opened a connection
	started         time.Time
	took            time.Duration
	err             error
}

// largestAnswer bounds the body of an answer.
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

// Read reads from the network and remembers how that ended: parsers tend to
// call a line that was cut off a malformed one.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.broken = err
	return n, err //nolint:wrapcheck // a reader's error is passed on as it is
}

// end closes the connection for good.
func (c *connection) end() {
	_ = c.Close() // nothing is left to be lost on it
	c.reader.Reset(nil)
	readers.Put(c.reader)
}

// exchange writes one request and reads its answer. The connection may be used
// again if again is true.
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

	// The body is not closed: it is read to its end, or else the connection is
	// given up, and closing would read on until the deadline.
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
	// ReadResponse does not tell "closed instead of answering" from "closed in
	// the middle": look at the first byte before.
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

// fail notes the error and its kind.
func (o *outcome) fail(err error) {
	o.kind, o.err = kindOf(err), err
}

// cause tells an error of the network from one of the parser.
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
