package server

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
)

// stamp puts the worker's headers (X-Release, X-Worker, X-Request-Id) into
// HTTP/1 responses where they leave: behind the status line, in the bytes that
// net/http writes. Two reasons. Responses that never see a handler, such as
// the 400 to a malformed request, have to say who answered as well. And
// headers that go through http.Header cost net/http a copy of the map, a sort
// and a validation per request: a sixth of all that it does.
//
// It relies on one thing: the first bytes that net/http writes for a response
// are its status line. (It flushes each response before it reads the next
// request.) HTTP/2 responses get the headers the usual way.
type stamp struct {
	// fixed is the same in every response.
	fixed []byte
	// fresh says that the next bytes begin a response. It is atomic for the
	// sake of HTTP/2, whose writer is another goroutine.
	fresh atomic.Bool
	// id is the request's id, if a handler has the request; the response uses
	// it up.
	id requestID
}

var (
	statusLine = []byte("HTTP/1.")
	usualLine  = []byte("HTTP/1.1 200 OK\r\n")
	lineEnd    = []byte("\r\n")
	switching  = []byte("101")
)

const idHeader = "X-Request-Id: "

// write writes p with the headers if p begins a response, and says how many
// bytes of p were written.
func (s *stamp) write(w io.Writer, p []byte) (int, error) {
	end := s.place(p)
	if end == 0 {
		return w.Write(p)
	}
	s.fresh.Store(false)
	buffer := stampBuffers.Get().(*[]byte)
	defer stampBuffers.Put(buffer)
	b := (*buffer)[:0]
	b = append(b, p[:end]...)
	b = append(b, s.fixed...)
	if s.id.set() {
		b = append(b, idHeader...)
		b = s.id.append(b)
		b = append(b, lineEnd...)
		s.id = requestID{}
	}
	added := len(b) - end
	b = append(b, p[end:]...)
	if cap(b) <= maxStampBuffer {
		*buffer = b
	}
	n, err := w.Write(b)
	if n < len(b) { // it failed in between; the connection is of no more use
		return min(max(n-added, 0), len(p)), err
	}
	return len(p), err
}

// place is where in p the headers belong, or 0.
func (s *stamp) place(p []byte) int {
	if !s.fresh.Load() || !bytes.HasPrefix(p, statusLine) {
		return 0
	}
	if bytes.HasPrefix(p, usualLine) {
		return len(usualLine)
	}
	end := bytes.Index(p, lineEnd)
	if end < len("HTTP/1.1 200") {
		return 0
	}
	if p[9] == '1' && !bytes.HasPrefix(p[9:], switching) {
		return 0 // 100 and 103 come before the response
	}
	return end + len(lineEnd)
}

// maxStampBuffer bounds the buffers that are kept: net/http's own is half as
// big, and only a handler's larger writes come past it.
const maxStampBuffer = 8 << 10

var stampBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

// fixedHeaders renders the headers that never change.
func fixedHeaders(release string, worker int) []byte {
	return []byte("X-Release: " + release + "\r\nX-Worker: " + strconv.Itoa(worker) + "\r\n")
}

// stampHTTP2 sets the same headers on a response that has no status line.
func (s *Server) stampHTTP2(h http.Header, id requestID) {
	h["X-Release"] = s.headers.release
	h["X-Worker"] = s.headers.worker
	if id.set() {
		h["X-Request-Id"] = []string{id.String()}
	}
}
