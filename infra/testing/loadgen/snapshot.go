package loadgen

import "time"

// Snapshot holds the counters of a running load at one time.
type Snapshot struct {
	// At is the time of the snapshot.
	At time.Time `json:"at"`
	// InFlight is the number of arrivals that have not ended.
	InFlight uint64 `json:"in_flight"`
	// LastFailure is the time at which the last failed request ended. It is
	// zero without a failure.
	LastFailure time.Time `json:"last_failure,omitzero"`
	Counters
	// Latency covers all requests that have ended so far, as in Result.
	Latency Latency `json:"latency"`
	// Lag is the delay of the generator itself, as in Result.
	Lag Latency `json:"lag"`
	// Releases counts the answers by release (header X-Release, "" without it).
	Releases map[string]Answers `json:"releases"`
	// Sockets holds the counters of the WebSocket clients, or nil without any.
	Sockets *SocketCounters `json:"sockets,omitempty"`

	latencies, lags, reconnects histogram
}

// Since returns the difference between an earlier snapshot and this one. A
// request counts when it ends, so a request that was in flight at the earlier
// snapshot counts here. InFlight, LastFailure and the times within Releases are
// those of the later snapshot.
func (s Snapshot) Since(earlier Snapshot) Snapshot {
	s.Counters = s.Counters.minus(earlier.Counters)
	releases := make(map[string]Answers, len(s.Releases))
	for name, a := range s.Releases {
		before := earlier.Releases[name]
		a.OK -= before.OK
		a.Failed -= before.Failed
		if a.OK+a.Failed > 0 {
			releases[name] = a
		}
	}
	s.Releases = releases
	s.latencies.subtract(earlier.latencies)
	s.Latency = s.latencies.latency()
	s.lags.subtract(earlier.lags)
	s.Lag = s.lags.latency()
	if s.Sockets != nil && earlier.Sockets != nil {
		difference := s.Sockets.minus(*earlier.Sockets)
		s.reconnects.subtract(earlier.reconnects)
		difference.LongestReconnect = milliseconds(s.reconnects.longest)
		s.Sockets = &difference
	}
	return s
}
