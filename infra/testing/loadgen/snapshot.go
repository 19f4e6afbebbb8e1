package loadgen

import "time"

// Snapshot is what a running load has counted so far.
type Snapshot struct {
	// At is when it was taken.
	At time.Time `json:"at"`
	// InFlight are arrivals that have not ended yet.
	InFlight uint64 `json:"in_flight"`
	// LastFailure is when a request last ended as failed; zero if none has.
	LastFailure time.Time `json:"last_failure,omitzero"`
	Counters
	// Latency is that of all that ended until now, as in Result.
	Latency Latency `json:"latency"`
	// Lag is how late the generator itself was, as in Result.
	Lag Latency `json:"lag"`
	// Releases are the answers by release (header X-Release, "" without).
	Releases map[string]Answers `json:"releases"`
	// Sockets are the counters of the WebSocket clients; nil without any.
	Sockets *SocketCounters `json:"sockets,omitempty"`

	latencies, lags, comebacks histogram
}

// Since returns what happened between an earlier snapshot and this one.
// Requests count when they end, so one that was in flight at the earlier
// snapshot counts here. InFlight, LastFailure and the times within Releases
// stay those of the later snapshot.
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
		s.comebacks.subtract(earlier.comebacks)
		difference.LongestReconnect = milliseconds(s.comebacks.longest)
		s.Sockets = &difference
	}
	return s
}
