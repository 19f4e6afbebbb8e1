package loadgen

import (
	"context"
	"time"
)

// arrival is one request of the timetable.
type arrival struct {
	stream int
	number uint64        // counts from 0 within the stream
	due    time.Duration // since the start of the load
	keep   bool          // over a kept connection
}

// timetable sets when requests arrive. It is independent of the answers:
// arrivals are at i/rate, however slow the service is.
type timetable struct {
	streams []Stream
	next    []uint64
	until   time.Duration
}

func newTimetable(streams []Stream, until time.Duration) *timetable {
	return &timetable{streams: streams, next: make([]uint64, len(streams)), until: until}
}

// due returns when the next arrival of stream i is due. The streams are shifted
// by a fraction of their interval, so that they do not all begin at once.
func (t *timetable) due(i int) time.Duration {
	shift := float64(i) / float64(len(t.streams))
	return time.Duration((float64(t.next[i]) + shift) / t.streams[i].Rate * float64(time.Second))
}

// take returns the earliest remaining arrival, or false after the last.
func (t *timetable) take() (arrival, bool) {
	first, due := 0, t.due(0)
	for i := 1; i < len(t.streams); i++ {
		if d := t.due(i); d < due {
			first, due = i, d
		}
	}
	if due >= t.until {
		return arrival{}, false
	}
	n := t.next[first]
	t.next[first]++
	return arrival{stream: first, number: n, due: due, keep: t.streams[first].keeps(n)}, true
}

// keeps reports whether request n goes over a kept connection.
func (s Stream) keeps(n uint64) bool {
	return s.Connections == Kept || s.Connections == Alternate && n%2 == 0
}

// walk calls send for each arrival when it is due, until the timetable or ctx
// ends. Late arrivals, because of a slow send or machine, are all sent at once:
// none is omitted.
//
// The runtime wakes sleepers about once a millisecond, so arrivals come in
// small groups and up to 1 ms late. A finer clock costs three times the CPU;
// the lateness is measured and reported (Result.Lag) instead.
func (t *timetable) walk(ctx context.Context, start time.Time, send func(arrival)) {
	clock := time.NewTimer(0)
	defer clock.Stop()
	for {
		a, more := t.take()
		if !more {
			return
		}
		if wait := a.due - time.Since(start); wait > 0 {
			clock.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-clock.C:
			}
		}
		if ctx.Err() != nil {
			return
		}
		send(a)
	}
}
