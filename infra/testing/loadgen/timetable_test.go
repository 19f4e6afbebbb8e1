package loadgen

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestTimetable checks the timetable alone, because the open loop depends on it.
func TestTimetable(t *testing.T) {
	streams := []Stream{
		{Name: "fast", Rate: 100, Connections: Alternate},
		{Name: "slow", Rate: 0.5, Connections: Fresh},
		{Name: "kept", Rate: 10, Connections: Kept},
	}
	table := newTimetable(streams, 4*time.Second)
	var count, kept [3]int
	last := time.Duration(-1)
	for {
		a, more := table.take()
		if !more {
			break
		}
		if a.due < last {
			t.Fatalf("arrival %+v comes after one at %s", a, last)
		}
		last = a.due
		if a.number != uint64(count[a.stream]) {
			t.Fatalf("arrival %+v, want number %d", a, count[a.stream])
		}
		count[a.stream]++
		if a.keep {
			kept[a.stream]++
		}
	}
	if want := [3]int{400, 2, 40}; count != want {
		t.Errorf("arrivals %v, want %v", count, want)
	}
	if want := [3]int{200, 0, 40}; kept != want {
		t.Errorf("over kept connections %v, want %v", kept, want)
	}
}

func TestTimetableDoesNotWaitForASlowSender(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := newTimetable([]Stream{{Name: "s", Rate: 1000, Connections: Fresh}}, 300*time.Millisecond)
		sent := 0
		start := time.Now()
		table.walk(t.Context(), start, func(arrival) {
			if sent == 0 {
				time.Sleep(200 * time.Millisecond)
			}
			sent++
		})
		if sent != 300 {
			t.Errorf("%d arrivals, want 300: those missed in the pause are to be made up for", sent)
		}
		if took := time.Since(start); took > 300*time.Millisecond {
			t.Errorf("took %s, want 300 ms", took)
		}
	})
}
