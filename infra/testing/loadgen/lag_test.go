package loadgen

import (
	"testing"
	"time"
)

// TestLagOfAPartIsOfThatPartAlone checks the lag of two parts of a load. The
// requests of the first part were sent on time, the others late. The last one was
// not sent at all.
func TestLagOfAPartIsOfThatPartAlone(t *testing.T) {
	t.Parallel()
	start := time.Now()
	r := newRecorder(start, []Stream{{Name: "s"}}, time.Second)
	send := func(n uint64, late time.Duration, kind Kind) {
		a := arrival{number: n, due: time.Duration(n) * time.Millisecond}
		r.arrived(a)
		r.ended(a, outcome{kind: kind, status: 200, started: start.Add(a.due + late)})
	}
	for n := range uint64(1000) {
		send(n, time.Millisecond, OK)
	}
	quiet := r.snapshot()
	for n := range uint64(100) {
		send(1000+n, 2*time.Second, OK)
	}
	send(1100, 11*time.Second, Local)
	busy := r.snapshot().Since(quiet)
	if quiet.Lag.P99 > 2 || quiet.Lag.Count != 1000 {
		t.Errorf("the first part: %+v, want about 1 ms", quiet.Lag)
	}
	if busy.Lag.P50 < 1900 || busy.Lag.P50 > 2100 || busy.Lag.Max < 10900 || busy.Lag.Count != 101 {
		t.Errorf("the second part: %+v, want about 2 s, and 11 s once", busy.Lag)
	}
}
