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

// link is one connection to the service. Requests are written to it once and
// never again.
type link struct {
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

func newLink(conn net.Conn) *link {
	reader, _ := readers.Get().(*bufio.Reader)
	l := &link{Conn: conn, reader: reader}
	reader.Reset(l)
	return l
}

// Read reads from the network and remembers how that ended: parsers tend to
// call a line that was cut off a malformed one.
func (l *link) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.broken = err
	return n, err //nolint:wrapcheck // a reader's error is passed on as it is
}

// end closes the connection for good.
func (l *link) end() {
	_ = l.Close() // nothing is left to be lost on it
	l.reader.Reset(nil)
	readers.Put(l.reader)
}

// exchange writes one request and reads its answer. The connection may be used
// again if again is true.
func (l *link) exchange(p *plan, a arrival, o *outcome) (again bool) {
	scratch, _ := buffers.Get().(*buffer)
	defer buffers.Put(scratch)

	whole, body := p.appendRequest(scratch.request[:0], a)
	scratch.request = whole
	o.reused = l.used
	l.used = true
	if _, err := l.Write(whole); err != nil {
		o.fail(fmt.Errorf("write request: %w", err))
		return false
	}
	answer, err := l.readHeader(p) //nolint:bodyclose // the body is read off the connection itself
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
		o.fail(fmt.Errorf("read body: %w", l.cause(err)))
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
	return a.keep && !answer.Close && l.reader.Buffered() == 0
}

// readHeader reads up to the end of the final answer's header.
func (l *link) readHeader(p *plan) (*http.Response, error) {
	// ReadResponse does not tell "closed instead of answering" from "closed in
	// the middle": look at the first byte before.
	if _, err := l.reader.Peek(1); err != nil {
		return nil, fmt.Errorf("wait for answer: %w", err)
	}
	for {
		answer, err := http.ReadResponse(l.reader, p.request)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read header: %w", l.cause(err))
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
func (l *link) cause(err error) error {
	switch {
	case kindOf(err) != Other:
		return err
	case errors.Is(l.broken, io.EOF):
		return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	case l.broken != nil:
		return fmt.Errorf("%w: %w", l.broken, err)
	}
	return fmt.Errorf("%w: %w", errMalformed, err)
}
