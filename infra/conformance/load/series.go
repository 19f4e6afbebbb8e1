package load

import (
	"maps"
	"time"
)

// Second is one row of the time series: what became of the arrivals that were
// due in that second, whenever they ended. So a row adds up, and a failure
// stands where its cause was.
type Second struct {
	// Second counts from 0, the start of the load.
	Second int `json:"second"`
	// Arrivals were due in this second.
	Arrivals uint64 `json:"arrivals"`
	// OK were answered as expected.
	OK uint64 `json:"ok"`
	// Failed and unsent ones, by kind; nil without any.
	Failed map[Kind]uint64 `json:"failed,omitempty"`
	// Max is the longest latency among the answers, in milliseconds.
	Max float64 `json:"max_ms"`
}

// series is the time series. Options.MaxDuration bounds it.
type series struct{ rows []Second }

func (s *series) row(due time.Duration) *Second {
	second := int(due / time.Second)
	for len(s.rows) <= second {
		s.rows = append(s.rows, Second{Second: len(s.rows)})
	}
	return &s.rows[second]
}

func (s *series) ended(due time.Duration, kind Kind, latency time.Duration) {
	row := s.row(due)
	row.Max = max(row.Max, milliseconds(latency))
	if kind == OK {
		row.OK++
		return
	}
	if row.Failed == nil {
		row.Failed = map[Kind]uint64{}
	}
	row.Failed[kind]++
}

func (s *series) values() []Second {
	rows := make([]Second, len(s.rows))
	for i, row := range s.rows {
		row.Failed = maps.Clone(row.Failed)
		rows[i] = row
	}
	return rows
}
