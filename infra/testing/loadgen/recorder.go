package loadgen

import (
	"sync"
	"time"
)

// recorder collects outcomes. A single lock is enough: recording an outcome
// takes well under a microsecond.
type recorder struct {
	start   time.Time
	streams []Stream

	mu          sync.Mutex
	end         time.Time
	total       Counters
	byStream    []Counters
	kept, fresh Counters
	latencies   []histogram // by stream
	latency     histogram
	answer      histogram
	lag         histogram
	releases    answered
	workers     answered
	series      series
	described   int // failures since the last mark
	failures    []Failure
	marks       []Mark
	lastFailure time.Time
}

// maxFailures limits the failures that are described one by one, after each
// mark and in total.
const (
	maxFailures    = 200
	maxFailuresAll = 20000
)

func newRecorder(start time.Time, streams []Stream, interval time.Duration) *recorder {
	r := &recorder{
		start:     start,
		streams:   streams,
		total:     newCounters(),
		kept:      newCounters(),
		fresh:     newCounters(),
		byStream:  make([]Counters, len(streams)),
		latencies: make([]histogram, len(streams)),
		releases:  answered{},
		workers:   answered{},
		series:    series{interval: interval},
	}
	for i := range r.byStream {
		r.byStream[i] = newCounters()
	}
	return r
}

// counters returns the counters that include an arrival.
func (r *recorder) counters(a arrival) [3]*Counters {
	use := &r.fresh
	if a.keep {
		use = &r.kept
	}
	return [3]*Counters{&r.total, &r.byStream[a.stream], use}
}

func (r *recorder) arrived(a arrival) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.counters(a) {
		c.Arrivals++
	}
	r.series.row(a.due).Arrivals++
}

func (r *recorder) ended(a arrival, o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Since(r.start)
	for _, c := range r.counters(a) {
		c.add(o)
	}

	// A request that was refused or reset has no latency. One that timed out
	// has at least this latency; omitting it would flatter the service.
	var latency time.Duration
	if o.status != 0 || o.kind == Timeout {
		latency = now - a.due
		r.latency.add(latency)
		r.latencies[a.stream].add(latency)
		r.answer.add(o.took)
	}
	if !o.started.IsZero() {
		r.lag.add(o.started.Sub(r.start) - a.due)
	}
	if o.status != 0 {
		r.releases.add(o.release, o.kind == OK, now)
		r.workers.add(o.worker, o.kind == OK, now)
	}
	r.series.ended(a.due, o.kind, latency)
	if o.kind != OK {
		r.failed(a, o, now)
	}
}

func (r *recorder) failed(a arrival, o outcome, now time.Duration) {
	if !o.kind.unsent() {
		r.lastFailure = r.start.Add(now)
	}
	if r.described == maxFailures || len(r.failures) == maxFailuresAll {
		return
	}
	r.described++
	f := Failure{
		Due: a.due.Seconds(), Ended: now.Seconds(), Stream: r.streams[a.stream].Name,
		Kind: o.kind, Status: o.status, Kept: a.keep, Reused: o.reused,
		Release: o.release, Worker: o.worker,
	}
	if o.err != nil {
		f.Error = o.err.Error()
	}
	r.failures = append(r.failures, f)
}

func (r *recorder) failuresSince(moment time.Time) []Failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := moment.Sub(r.start).Seconds()
	var out []Failure
	for _, f := range r.failures {
		if f.Ended >= since {
			out = append(out, f)
		}
	}
	return out
}

// maxMarks limits the number of marks.
const maxMarks = 10000

func (r *recorder) mark(label string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.described = 0
	if len(r.marks) < maxMarks {
		r.marks = append(r.marks, Mark{At: time.Since(r.start).Seconds(), Label: label})
	}
}

// closed records that the service closed a WebSocket.
func (r *recorder) closed(code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.series.closed(time.Since(r.start), code)
}

// finish records the end of the load.
func (r *recorder) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = time.Now()
}

func (r *recorder) snapshot() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.total
	return Snapshot{
		At:          time.Now(),
		InFlight:    t.Arrivals - t.OK - t.Failed - t.Unsent,
		LastFailure: r.lastFailure,
		Counters:    t.clone(),
		Releases:    r.releases.values(),
		Latency:     r.latency.latency(),
		latencies:   r.latency,
		Lag:         r.lag.latency(),
		lags:        r.lag,
	}
}

func (r *recorder) result(o Options) *Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	result := &Result{
		Target:   o.Target,
		Start:    r.start.UTC(),
		Seconds:  r.end.Sub(r.start).Seconds(),
		Total:    r.total.clone(),
		Kept:     r.kept.clone(),
		Fresh:    r.fresh.clone(),
		Latency:  r.latency.latency(),
		Answer:   r.answer.latency(),
		Lag:      r.lag.latency(),
		Releases: r.releases.values(),
		Workers:  r.workers.values(),
		Series:   r.series.values(),
		Failures: append([]Failure(nil), r.failures...),
		Marks:    append([]Mark(nil), r.marks...),
	}
	for i, s := range r.streams {
		result.Streams = append(result.Streams, StreamResult{
			Name: s.Name, Rate: s.Rate, Counters: r.byStream[i].clone(), Latency: r.latencies[i].latency(),
		})
	}
	return result
}
