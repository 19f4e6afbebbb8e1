package loadgen

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are at most 1/128 (0.8 %) wide, in
// the manner of HDR histograms: 26 KB, whatever the number of values.
type histogram struct {
	buckets [lastBucket + 1]uint64
	count   uint64
	longest time.Duration
}

const (
	perOctave  = 128                                // buckets per power of two
	longestUS  = 1<<32 - 1                          // 71 min in µs; longer ones count as this
	lastBucket = (32-8)*perOctave + 2*perOctave - 1 // the bucket of longestUS
)

// bucketOf returns the bucket of a duration. It is exact below 256 µs; above,
// it keeps the eight highest bits.
func bucketOf(us uint64) int {
	us = min(us, longestUS)
	if us < 2*perOctave {
		return int(us)
	}
	shift := bits.Len64(us) - 8
	return shift*perOctave + int(us>>shift)
}

// bucketEnd returns the largest number of µs in a bucket.
func bucketEnd(bucket int) uint64 {
	if bucket < 2*perOctave {
		return uint64(bucket)
	}
	shift := bucket/perOctave - 1
	return (uint64(bucket-shift*perOctave)+1)<<shift - 1
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucketOf(uint64(d.Microseconds()))]++
	h.count++
	h.longest = max(h.longest, d)
}

// subtract removes the values of an earlier state of the same histogram. The
// longest value is then exact only to a bucket's width.
func (h *histogram) subtract(earlier histogram) {
	longest := time.Duration(0)
	for i := range h.buckets {
		if h.buckets[i] -= earlier.buckets[i]; h.buckets[i] > 0 {
			longest = time.Duration(bucketEnd(i)) * time.Microsecond
		}
	}
	h.count -= earlier.count
	h.longest = min(longest, h.longest)
}

// quantile returns the duration that a share q of the values does not exceed,
// to within a bucket's width. It returns 0 without values.
func (h *histogram) quantile(q float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	want := max(uint64(q*float64(h.count)+0.9999999), 1)
	var seen uint64
	for bucket, n := range h.buckets {
		if seen += n; seen >= want {
			return min(time.Duration(bucketEnd(bucket))*time.Microsecond, h.longest)
		}
	}
	return h.longest
}

// Latency is a summary of durations in milliseconds. Percentiles are exact to
// 0.8 %, Max is exact.
type Latency struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p99_9_ms"`
	Max   float64 `json:"max_ms"`
}

func (h *histogram) latency() Latency {
	return Latency{
		Count: h.count,
		P50:   milliseconds(h.quantile(0.5)),
		P90:   milliseconds(h.quantile(0.9)),
		P99:   milliseconds(h.quantile(0.99)),
		P999:  milliseconds(h.quantile(0.999)),
		Max:   milliseconds(h.longest),
	}
}

// milliseconds converts to milliseconds in whole microseconds, the resolution
// of the measurement.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
