package loadgen

import "time"

// Answers counts the complete answers of one release or one worker.
type Answers struct {
	// OK is the number of answers as expected.
	OK uint64 `json:"ok"`
	// Failed is the number of answers with another status or body.
	Failed uint64 `json:"failed"`
	// First and Last are the arrival times of the first and the last answer, in
	// seconds since the start of the load.
	First float64 `json:"first_s"`
	Last  float64 `json:"last_s"`
}

// answered counts answers by release or worker. The names come from the
// service, so their number is bounded: after maxNames names, all others count
// as otherName.
type answered map[string]*Answers

const (
	maxNames  = 1000
	otherName = "(more)"
)

func (m answered) add(name string, good bool, at time.Duration) {
	a := m[name]
	if a == nil && len(m) >= maxNames {
		name = otherName
		a = m[name]
	}
	if a == nil {
		a = &Answers{First: at.Seconds()}
		m[name] = a
	}
	if good {
		a.OK++
	} else {
		a.Failed++
	}
	a.Last = at.Seconds()
}

func (m answered) values() map[string]Answers {
	out := make(map[string]Answers, len(m))
	for name, a := range m {
		out[name] = *a
	}
	return out
}
