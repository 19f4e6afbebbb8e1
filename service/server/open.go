package server

import (
	"fmt"
	"net/http"
	"strings"
)

// OpenError lists the requests and connections that were open when a drain
// reached its limit.
type OpenError struct {
	// Requests are the requests that a handler was answering, at most a few.
	Requests []OpenRequest
	// Connections counts the open connections by phase: new, active, idle,
	// hijacked.
	Connections map[string]int
	// LongLived is the number of open WebSockets.
	LongLived int
}

// OpenRequest is one request that was cut.
type OpenRequest struct {
	Method, Path, Peer string
	// Waiting is "reading the body", "writing the response" or "in the handler".
	Waiting string
}

// openRequests is the largest number of requests in an OpenError.
const openRequests = 10

func (s *Server) stillOpen() *OpenError {
	open := &OpenError{Connections: s.conns.byPhase(), LongLived: s.WebSockets()}
	for _, c := range s.conns.all() {
		peer := c.RemoteAddr().String()
		if r := c.request.Load(); r != nil {
			open.add(r, peer, c.waiting())
		}
		for _, st := range c.streams.all() {
			open.add(st.request, peer, st.waiting())
		}
	}
	return open
}

func (e *OpenError) add(r *http.Request, peer, waiting string) {
	if len(e.Requests) < openRequests {
		e.Requests = append(e.Requests, OpenRequest{Method: r.Method, Path: r.URL.Path, Peer: peer, Waiting: waiting})
	}
}

// The activities of the server during a request.
const (
	waitingForBody    = "reading the body"
	waitingToWrite    = "writing the response"
	waitingForHandler = "in the handler"
)

// waiting returns the activity in which the handler of an HTTP/1 request waits.
func (c *conn) waiting() string {
	switch {
	case c.readingBody.Load():
		return waitingForBody
	case c.writing.Load():
		return waitingToWrite
	}
	return waitingForHandler
}

func (e *OpenError) empty() bool {
	return len(e.Requests) == 0 && len(e.Connections) == 0 && e.LongLived == 0
}

// Error lists the cut requests on one line.
func (e *OpenError) Error() string {
	var b strings.Builder
	total := 0
	for _, n := range e.Connections {
		total += n
	}
	fmt.Fprintf(&b, "%d connections (%d active, %d WebSockets) were still open", total, e.Connections[phaseActive.String()], e.LongLived)
	for i, r := range e.Requests {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %s from %s (%s)", r.Method, r.Path, r.Peer, r.Waiting)
	}
	return b.String()
}
