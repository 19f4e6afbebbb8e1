package loadgen_test

import (
	"testing"
	"testing/synctest"
	"time"

	"escala/infra/testing/loadgen"
)

// TestWindowOfALoad checks that a part of a load contains only its own latencies
// and its own described failures.
func TestWindowOfALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, func(v visit) bool {
			if v.inAll > 300 { // the second half: slow, and every fifth cut
				time.Sleep(100 * time.Millisecond)
				if v.inAll%5 == 0 {
					return false
				}
			}
			return v.ok()
		})
		o := brief(f)
		o.Duration = 1200 * time.Millisecond // 600 requests
		o.Clients = 64
		g, err := loadgen.Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		first := g.Mark("first")
		for g.Snapshot().OK < 290 {
			time.Sleep(2 * time.Millisecond)
		}
		second := g.Mark("second")
		r, err := g.Wait()
		if err != nil {
			t.Fatal(err)
		}
		quick, slow := second.Since(first).Latency, g.Snapshot().Since(second).Latency
		if first.Latency.Count+quick.Count < 290 || quick.P50 >= 100 || quick.Max > r.Latency.Max {
			t.Errorf("the first part: %+v, want about 300 answers far below 100 ms", quick)
		}
		if slow.Count == 0 || slow.P50 < 100 || slow.P50 > 1000 || slow.Max > r.Latency.Max || slow.Max < slow.P99 {
			t.Errorf("the second part: %+v, want answers of a little more than 100 ms", slow)
		}
		// The load runs before the first mark can be set.
		if before := first.Latency.Count; before+quick.Count+slow.Count != r.Latency.Count {
			t.Errorf("%d, %d and %d answers, want %d in all", before, quick.Count, slow.Count, r.Latency.Count)
		}
		if len(r.Marks) != 2 || r.Marks[1].At <= r.Marks[0].At {
			t.Errorf("marks %+v", r.Marks)
		}
	})
}

// TestFailuresAreDescribedAfterEachMark checks that one long outage does not hide
// later failures.
func TestFailuresAreDescribedAfterEachMark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, func(visit) bool { return false })
		o := brief(f)
		o.Duration = time.Second // 500 requests
		g, err := loadgen.Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for g.Snapshot().Failed < 250 {
			time.Sleep(2 * time.Millisecond)
		}
		at := g.Snapshot().At
		g.Mark("later")
		r, err := g.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if r.Total.Failed != 500 || len(r.Failures) != 400 {
			t.Fatalf("%d failed, %d described, want 500 and 200 for each part", r.Total.Failed, len(r.Failures))
		}
		if ended := r.Failures[200].Ended; ended < at.Sub(r.Start).Seconds() {
			t.Errorf("failure 201 is of %.3f s, want one after the mark", ended)
		}
	})
}
