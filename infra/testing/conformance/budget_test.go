package conformance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestARequestIsHeldByTheKillsThatItSpans(t *testing.T) {
	t.Parallel()
	at := func(s float64) time.Time { return time.Unix(1000, 0).Add(seconds(s)) }
	kills := []time.Time{at(10), at(13)}
	tests := map[string]struct {
		due, ended float64
		want       bool
	}{
		"it spans the first kill":                      {9.9, 10.1, true},
		"it spans the last kill":                       {12, 14, true},
		"it is due while the kernel ends the process":  {10.2, 10.21, true},
		"it ended before the first kill":               {9, 9.99, false},
		"it was sent and ended between two kills":      {11, 12, false},
		"it was sent when the process was gone":        {10.3, 10.4, false},
		"it was sent after the last kill":              {13.3, 15, false},
		"it was sent between two and spans the second": {11, 13.001, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, inFlight(at(tt.due), at(tt.ended), kills))
		})
	}
}

func TestABudgetDependsOnWhatASystemHas(t *testing.T) {
	t.Parallel()
	const held = "only requests that were on their way fail"
	here, there := map[string]bool{}, map[string]bool{}
	for _, check := range Checks(NewCounts()) {
		here[check.ID] = check.Budget.on(Endpoint{}).Held
		there[check.ID] = check.Budget.on(Endpoint{WorkersOutlive: true}).Held
		assert.Equal(t, here[check.ID], check.Budget.Held, check.ID)
	}
	for id := range there {
		changed := id == "kill-supervisor" || id == "often-supervisor"
		assert.Equal(t, changed, here[id] != there[id], id)
	}
	assert.Contains(t, supervisorDown.on(Endpoint{WorkersOutlive: true}).String(), held)
	assert.NotContains(t, supervisorDown.on(Endpoint{}).String(), held)
}

// TestARefusedWebSocketIsAFailedRequest checks that the handshake of a WebSocket
// counts as a request where none may fail.
func TestARefusedWebSocketIsAFailedRequest(t *testing.T) {
	t.Parallel()
	o := Outcome{Requests: 100, Handshakes: map[string]uint64{"status 503": 1}}
	assert.Equal(t, []string{"1 WebSockets were refused: map[status 503:1]"}, lossless.problems(o))
	assert.Empty(t, Budget{Held: true}.problems(o), "a killed worker's clients may be refused once")
	assert.Empty(t, Budget{Failed: Any}.problems(o))
	assert.Empty(t, lossless.problems(Outcome{Requests: 100}))
}
