package conformance

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"escala/infra/testing/loadgen"
)

func TestAnOverloadIsToldFromALoss(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lag                     float64
		failed                  uint64
		met, missed, overloaded bool
	}{
		"nothing failed":                        {lag: 2, met: true},
		"a loss":                                {lag: 2, failed: 1, missed: true},
		"a loss, the load a little late":        {lag: 250, failed: 1, missed: true},
		"failures in an overload":               {lag: 8000, failed: 3556, overloaded: true},
		"nothing failed, though in an overload": {lag: 8000, met: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Outcome{Title: "releases", Requests: 10000, Failed: tt.failed, Lag: loadgen.Latency{P99: tt.lag}}
			o.judge(lossless)
			assert.Equal(t, tt.met, o.Met())
			assert.Equal(t, tt.missed, o.Missed())
			assert.Equal(t, tt.overloaded, o.Overload != "")
			r := Result{Outcomes: []Outcome{o}}
			assert.Len(t, r.Missed(), map[bool]int{true: 1}[tt.missed])
			assert.Len(t, r.Overloaded(), map[bool]int{true: 1}[tt.overloaded])
		})
	}
}
