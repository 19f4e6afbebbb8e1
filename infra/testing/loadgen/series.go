package loadgen

import (
	"maps"
	"slices"
	"time"
)

// Slot is one row of the time series, Options.Interval long. It counts the
// arrivals that were due in it, whenever they ended. So a row adds up, and a
// failure appears at the time of its cause.
type Slot struct {
	// At is the beginning of the slot, in seconds since the start of the load.
	At float64 `json:"at_s"`
	// Arrivals is the number of requests that were due in this slot.
	Arrivals uint64 `json:"arrivals"`
	// OK is the number of requests that were answered as expected.
	OK uint64 `json:"ok"`
	// Failed counts the failed and the unsent requests by kind. It is nil
	// without any.
	Failed map[Kind]uint64 `json:"failed,omitempty"`
	// P50, P99 and Max summarize the latencies that Result.Latency counts, in
	// milliseconds.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
	// Closes counts the WebSockets that the service closed during this slot, by
	// close code. It is nil without any.
	Closes map[int]uint64 `json:"closes,omitempty"`
}

// series is the time series. Options.MaxDuration bounds its length; it keeps
// four bytes for each request.
type series struct {
	interval time.Duration
	rows     []Slot
	latency  [][]uint32 // by row, in µs
}

func (s *series) row(at time.Duration) *Slot { return &s.rows[s.reach(at)] }

// reach returns the row number of a time and adds the missing rows up to it.
func (s *series) reach(at time.Duration) int {
	n := int(at / s.interval)
	for len(s.rows) <= n {
		s.rows = append(s.rows, Slot{At: (time.Duration(len(s.rows)) * s.interval).Seconds()})
		s.latency = append(s.latency, nil)
	}
	return n
}

// ended records the end of an arrival. latency is 0 for an arrival without one.
func (s *series) ended(due time.Duration, kind Kind, latency time.Duration) {
	n := s.reach(due)
	if latency > 0 {
		s.latency[n] = append(s.latency[n], uint32(min(latency.Microseconds(), longestUS)))
	}
	row := &s.rows[n]
	if kind == OK {
		row.OK++
		return
	}
	if row.Failed == nil {
		row.Failed = map[Kind]uint64{}
	}
	row.Failed[kind]++
}

func (s *series) closed(at time.Duration, code int) {
	row := s.row(at)
	if row.Closes == nil {
		row.Closes = map[int]uint64{}
	}
	row.Closes[code]++
}

func (s *series) values() []Slot {
	rows := make([]Slot, len(s.rows))
	for i, row := range s.rows {
		row.Failed, row.Closes = maps.Clone(row.Failed), maps.Clone(row.Closes)
		sorted := slices.Sorted(slices.Values(s.latency[i]))
		row.P50, row.P99, row.Max = rank(sorted, 0.5), rank(sorted, 0.99), rank(sorted, 1)
		rows[i] = row
	}
	return rows
}

// rank returns the value, in milliseconds, that a share q of the sorted values
// does not exceed. It returns 0 without values.
func rank(sorted []uint32, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	n := max(int(q*float64(len(sorted))+0.9999999), 1)
	return float64(sorted[n-1]) / 1000
}
