package loadgen

import "time"

// Answers are the complete answers of one release or one worker.
type Answers struct {
	// OK are as expected.
	OK uint64 `json:"ok"`
	// Failed are not: another status or another body.
	Failed uint64 `json:"failed"`
	// First and Last are when the first and the last of them came, in seconds
	// since the start of the load.
	First float64 `json:"first_s"`
	Last  float64 `json:"last_s"`
}

// answered counts answers by who gave them. The names come from the service, so
// their number is bounded: after mostNames, the rest counts as restName.
type answered map[string]*Answers

const (
	mostNames = 1000
	restName  = "(more)"
)

func (m answered) add(name string, good bool, at time.Duration) {
	a := m[name]
	if a == nil && len(m) >= mostNames {
		name = restName
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
