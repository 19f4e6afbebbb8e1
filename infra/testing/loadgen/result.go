package loadgen

import "time"

// Result is everything that a load has counted. It is made to be kept as JSON.
type Result struct {
	// Target is the URL that was asked.
	Target string `json:"target"`
	// Start is when the load began, in UTC.
	Start time.Time `json:"start"`
	// Seconds is how long it took until nothing was in flight any more.
	Seconds float64 `json:"seconds"`
	// Total counts all arrivals.
	Total Counters `json:"total"`
	// Kept counts those over kept connections, Fresh those with a connection
	// of their own.
	Kept  Counters `json:"kept"`
	Fresh Counters `json:"fresh"`
	// Latency is from the time at which a request was due to the end of its
	// answer, over all that were answered, well or not, or timed out.
	Latency Latency `json:"latency"`
	// Answer is the same from the time at which it was really sent, connecting
	// included. It is what a client in a closed loop would have measured.
	Answer Latency `json:"answer"`
	// Lag is how late the generator was: from due to sent. A p99 far above
	// 1 ms says that this machine was too busy to measure on.
	Lag Latency `json:"lag"`
	// Streams count and time each kind of request by itself.
	Streams []StreamResult `json:"streams"`
	// Releases and Workers are the answers by the headers X-Release and
	// X-Worker; "" is those without.
	Releases map[string]Answers `json:"releases"`
	Workers  map[string]Answers `json:"workers"`
	// Series has a row per Options.Interval.
	Series []Slot `json:"series"`
	// Failures describes failed or unsent requests, the first 200 after each
	// mark.
	Failures []Failure `json:"failures,omitempty"`
	// Marks are what the caller noted while the load ran.
	Marks []Mark `json:"marks,omitempty"`
	// Sockets is what the WebSocket clients saw; nil without any.
	Sockets *SocketResult `json:"sockets,omitempty"`
}

// StreamResult is one stream's share of a result.
type StreamResult struct {
	Name string `json:"name"`
	// Rate is the arrivals per second that were asked for.
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
	// Kept: it was to go over a kept connection. Reused: that connection had
	// carried a request before.
	Kept   bool `json:"kept"`
	Reused bool `json:"reused"`
	// Release and Worker are those of the answer, if there was one.
	Release string `json:"release,omitempty"`
	Worker  string `json:"worker,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Mark is something that happened while the load ran.
type Mark struct {
	// At is in seconds since the start of the load.
	At    float64 `json:"at_s"`
	Label string  `json:"label"`
}

// Clean is nil if every arrival was answered as expected, every message was
// delivered and no WebSocket was closed uncleanly; else it says what is wrong.
func (r *Result) Clean() error { return r.violations().Err() }
