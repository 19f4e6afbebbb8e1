package loadgen

import "time"

// Result holds all counters and latencies of a load. It is designed to be
// stored as JSON.
type Result struct {
	// Target is the URL of the service.
	Target string `json:"target"`
	// Start is the beginning of the load, in UTC.
	Start time.Time `json:"start"`
	// Seconds is the time from the start until no request was in flight any
	// more.
	Seconds float64 `json:"seconds"`
	// Total counts all arrivals.
	Total Counters `json:"total"`
	// Kept counts the requests over kept connections, Fresh those over a
	// connection of their own.
	Kept  Counters `json:"kept"`
	Fresh Counters `json:"fresh"`
	// Latency is the time from when a request was due to the end of its answer.
	// It includes all requests that were answered, well or not, or timed out.
	Latency Latency `json:"latency"`
	// Answer is the same latency from the time of sending, including the
	// connection setup. A client in a closed loop would measure it.
	Answer Latency `json:"answer"`
	// Lag is the delay of the generator, from due to sent. A p99 far above 1 ms
	// means that this machine was too busy for a measurement.
	Lag Latency `json:"lag"`
	// Streams holds the counters and latencies of each kind of request.
	Streams []StreamResult `json:"streams"`
	// Releases and Workers count the answers by the headers X-Release and
	// X-Worker. The key "" counts answers without the header.
	Releases map[string]Answers `json:"releases"`
	Workers  map[string]Answers `json:"workers"`
	// Series has a row per Options.Interval.
	Series []Slot `json:"series"`
	// Failures describes failed and unsent requests, the first 200 after each
	// mark.
	Failures []Failure `json:"failures,omitempty"`
	// Marks are the events that the caller recorded during the load.
	Marks []Mark `json:"marks,omitempty"`
	// Sockets is the result of the WebSocket clients, or nil without any.
	Sockets *SocketResult `json:"sockets,omitempty"`
}

// StreamResult is one stream's share of a result.
type StreamResult struct {
	Name string `json:"name"`
	// Rate is the configured number of arrivals per second.
	Rate float64 `json:"rate"`
	Counters
	Latency Latency `json:"latency"`
}

// Failure is one request that failed or was not sent.
type Failure struct {
	// Due and Ended are in seconds since the start of the load.
	Due    float64 `json:"due_s"`
	Ended  float64 `json:"ended_s"`
	Stream string  `json:"stream"`
	Kind   Kind    `json:"kind"`
	// Status is 0 without an answer.
	Status int `json:"status,omitempty"`
	// Kept reports that the request was assigned to a kept connection. Reused
	// reports that this connection had carried a request before.
	Kept   bool `json:"kept"`
	Reused bool `json:"reused"`
	// Release and Worker are those of the answer, if any.
	Release string `json:"release,omitempty"`
	Worker  string `json:"worker,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Mark is an event during the load.
type Mark struct {
	// At is in seconds since the start of the load.
	At    float64 `json:"at_s"`
	Label string  `json:"label"`
}

// Clean returns nil if every arrival was answered as expected, every message
// was delivered and no WebSocket was closed uncleanly. Otherwise it returns all
// violations.
func (r *Result) Clean() error { return r.violations().Err() }
