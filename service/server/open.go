package server

import (
	"fmt"
	"strings"
)

// OpenError says what was still open when a drain reached its limit.
type OpenError struct {
	// Requests are those that a handler was answering, at most a few.
	Requests []OpenRequest
	// Connections counts the open ones by phase: new, active, idle, hijacked.
	Connections map[string]int
	// LongLived is how many WebSockets were open.
	LongLived int
}

// OpenRequest is one request that was cut.
type OpenRequest struct {
	Method, Path, Peer string
	// Waiting is what the server was doing: "reading the body", "writing the
	// response" or "in the handler".
	Waiting string
}

// openRequests is how many requests an OpenError names.
const openRequests = 10

func (s *Server) stillOpen() *OpenError {
	open := &OpenError{Connections: s.conns.byPhase(), LongLived: s.longLived()}
	for _, c := range s.conns.all() {
		r := c.request.Load()
		if r == nil || len(open.Requests) == openRequests {
			continue
		}
		waiting := "in the handler"
		switch {
		case c.readingBody.Load():
			waiting = "reading the body"
		case c.writing.Load():
			waiting = "writing the response"
		}
		open.Requests = append(open.Requests, OpenRequest{
			Method: r.Method, Path: r.URL.Path, Peer: c.RemoteAddr().String(), Waiting: waiting,
		})
	}
	return open
}

func (e *OpenError) empty() bool {
	return len(e.Requests) == 0 && len(e.Connections) == 0 && e.LongLived == 0
}

// Error lists what was cut on one line.
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
