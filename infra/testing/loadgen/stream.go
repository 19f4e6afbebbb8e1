package loadgen

import (
	"net/http"
	"strings"

	"escala/service"
)

// Connections sets how the requests of a stream use connections.
type Connections string

const (
	// Alternate sends every other request over a kept connection and each of
	// the rest over a new one, as if half of the clients used keep-alive.
	Alternate Connections = "alternate"
	// Kept sends every request over a kept connection.
	Kept Connections = "kept"
	// Fresh opens a connection for each request and asks the service to close
	// it ("Connection: close").
	Fresh Connections = "fresh"
)

// Stream is one kind of request at a fixed rate of arrivals.
type Stream struct {
	// Name identifies the stream in results.
	Name string
	// Method is the HTTP method.
	Method string
	// Path is the request path with its query: "/slow?ms=300".
	Path string
	// Rate is the number of arrivals per second. It may be below 1.
	Rate float64
	// BodyBytes is the length of the body. 0 sends none. Each body is
	// different, so that an answer to another request is detected.
	BodyBytes int
	// Echo requires that the answer's body ends with the body that was sent.
	Echo bool
	// Status is the expected status.
	Status int
	// Connections is how connections are used.
	Connections Connections
}

// highestRate is a limit against typing errors, far above what one generator
// can send.
const highestRate = 1e6

// largestBody limits a request's body, which is written in one piece.
const largestBody = 1 << 20

func (s Stream) violations() service.Violations {
	var v service.Violations
	if s.Name == "" {
		v.Add("name", "is empty")
	}
	if s.Method == "" || strings.ContainsAny(s.Method, " \r\n") {
		v.Add("method", "%q is not an HTTP method", s.Method)
	}
	if !strings.HasPrefix(s.Path, "/") || strings.ContainsAny(s.Path, " \r\n") {
		v.Add("path", "%q, want an escaped path that begins with /", s.Path)
	}
	if !(s.Rate > 0 && s.Rate <= highestRate) {
		v.Add("rate", "%v arrivals/s, want more than 0 and at most %v", s.Rate, highestRate)
	}
	if s.BodyBytes < 0 || s.BodyBytes > largestBody {
		v.Add("bodyBytes", "%d, want 0 to %d", s.BodyBytes, largestBody)
	}
	if s.Echo && s.BodyBytes == 0 {
		v.Add("echo", "there is no body to come back: bodyBytes is 0")
	}
	if s.Status < http.StatusOK || s.Status > 599 {
		v.Add("status", "%d, want the status of a good answer, 200 to 599", s.Status)
	}
	switch s.Connections {
	case Alternate, Kept, Fresh:
	default:
		v.Add("connections", "%q, want %q, %q or %q", s.Connections, Alternate, Kept, Fresh)
	}
	return v
}
