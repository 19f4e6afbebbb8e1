package loadgen

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	last := -1
	for us := uint64(0); us < 1<<33; us += us/1000 + 1 {
		b := bucketOf(us)
		if b < last || b > last+1 {
			t.Fatalf("%d µs is in bucket %d, the one before in %d", us, b, last)
		}
		last = b
		if end := bucketEnd(b); us <= longestUS && (us > end || float64(end-us) > float64(us)/perOctave) {
			t.Fatalf("%d µs is in bucket %d, which ends at %d", us, b, end)
		}
	}
	if last != lastBucket {
		t.Errorf("the longest time is in bucket %d, want %d", last, lastBucket)
	}
}

func TestQuantilesAreCloseToSortedValues(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h histogram
	values := make([]time.Duration, 10000)
	for i := range values {
		values[i] = time.Duration(random.ExpFloat64() * float64(20*time.Millisecond))
		h.add(values[i])
	}
	slices.Sort(values)
	for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want := values[max(int(q*10000), 1)-1]
		got := h.quantile(q)
		if diff := (got - want).Abs(); diff > want/perOctave+time.Microsecond {
			t.Errorf("quantile %v is %s, want %s", q, got, want)
		}
	}
	if got := h.latency(); got.Count != 10000 || got.Max != milliseconds(values[9999]) {
		t.Errorf("latency %+v, want 10000 values up to %s", got, values[9999])
	}
	if got := new(histogram).latency(); got != (Latency{}) {
		t.Errorf("without values: %+v, want zeros", got)
	}
}
