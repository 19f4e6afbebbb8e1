package loadgen_test

import (
	"context"
	"maps"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"escala/infra/testing/loadgen"
)

// brief returns a load of 200 requests in 0.4 s. Half of them are POSTs, and
// half of each kind uses kept connections.
func brief(f *faulty) loadgen.Options {
	mix := loadgen.NewMix()
	mix.Rate, mix.PostShare, mix.SlowRate = 500, 0.5, 0
	o := loadgen.NewOptions(f.url)
	o.Dial = f.dial
	o.Streams = mix.Streams()
	o.Clients = 4
	o.Duration = 400 * time.Millisecond
	o.Timeout = time.Minute
	return o
}

// run runs a load to its end and checks the invariants of every result.
func run(t *testing.T, o loadgen.Options) *loadgen.Result {
	t.Helper()
	result, err := loadgen.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	addsUp(t, "total", result.Total)
	addsUp(t, "kept", result.Kept)
	addsUp(t, "fresh", result.Fresh)
	var arrivals, ok, failed uint64
	for _, row := range result.Series {
		arrivals += row.Arrivals
		ok += row.OK
		failed += sum(row.Failed)
		if row.P50 > row.P99 || row.P99 > row.Max || row.Max > result.Latency.Max {
			t.Errorf("latencies of %+v, want p50 <= p99 <= max <= %v", row, result.Latency.Max)
		}
	}
	if arrivals != result.Total.Arrivals || ok != result.Total.OK || failed != result.Total.Failed+result.Total.Unsent {
		t.Errorf("series: %d arrivals, %d ok, %d not, want %+v", arrivals, ok, failed, result.Total)
	}
	for _, s := range result.Streams {
		addsUp(t, s.Name, s.Counters)
		arrivals -= s.Arrivals
	}
	if arrivals != 0 || result.Kept.Arrivals+result.Fresh.Arrivals != result.Total.Arrivals {
		t.Errorf("the parts do not add up to %d arrivals", result.Total.Arrivals)
	}
	return result
}

func addsUp(t *testing.T, what string, c loadgen.Counters) {
	t.Helper()
	if c.Arrivals != c.OK+c.Failed+c.Unsent || c.Failed != sum(c.Kinds) || c.Unsent != sum(c.UnsentKinds) {
		t.Errorf("%s does not add up: %+v", what, c)
	}
}

func sum(counts map[loadgen.Kind]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

func TestGoodServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, visit.ok)
		r := run(t, brief(f))
		if r.Total.Arrivals != 200 || r.Total.OK != 200 || f.requests.Load() != 200 {
			t.Errorf("%d arrivals, %d ok, %d reached the server, want 200", r.Total.Arrivals, r.Total.OK, f.requests.Load())
		}
		if r.Kept.OK != 100 || r.Fresh.OK != 100 {
			t.Errorf("%d over kept connections, %d over fresh ones, want 100 each", r.Kept.OK, r.Fresh.OK)
		}
		if opened := f.conns.Load(); r.Total.Opened != uint64(opened) || opened != 104 {
			t.Errorf("%d connections opened, the server saw %d, want 100 fresh ones and 4 kept", r.Total.Opened, opened)
		}
		if a := r.Releases["r1"]; a.OK != 200 || len(r.Releases) != 1 {
			t.Errorf("releases %+v, want 200 answers of r1", r.Releases)
		}
		if r.Workers["w0"].OK != 100 || r.Workers["w1"].OK != 100 {
			t.Errorf("workers %+v, want 100 answers of each", r.Workers)
		}
		if r.Latency.Count != 200 {
			t.Errorf("latency %+v, want 200 values", r.Latency)
		}
		if err := r.Clean(); err != nil {
			t.Errorf("not clean: %v", err)
		}
	})
}

// TestFailuresAreCounted checks that each kind of failure is counted as its
// kind and exactly as often as it occurred.
func TestFailuresAreCounted(t *testing.T) {
	t.Parallel()
	type kinds = map[loadgen.Kind]uint64
	everyFifth := func(bad func(visit) bool) func(visit) bool {
		return func(v visit) bool {
			if v.inAll%5 == 0 {
				return bad(v)
			}
			return v.ok()
		}
	}
	tests := map[string]struct {
		answer func(visit) bool
		want   kinds
		status map[int]uint64
	}{
		"reset": {everyFifth(visit.reset), kinds{loadgen.Reset: 40}, map[int]uint64{200: 160}},
		"closed without an answer": {
			everyFifth(func(visit) bool { return false }), kinds{loadgen.EOF: 40}, map[int]uint64{200: 160},
		},
		"500": {
			everyFifth(func(v visit) bool { return v.answer("HTTP/1.1 500 Oh\r\nX-Release: bad\r\nContent-Length: 0\r\n\r\n") }),
			kinds{loadgen.BadStatus: 40},
			map[int]uint64{200: 160, 500: 40},
		},
		"closed within the body": {
			everyFifth(func(v visit) bool { v.answer("HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\nhalf"); return false }),
			kinds{loadgen.Truncated: 40},
			map[int]uint64{200: 200},
		},
		"closed within a chunk": {
			everyFifth(func(v visit) bool {
				v.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
				return false
			}),
			kinds{loadgen.Truncated: 40},
			map[int]uint64{200: 200},
		},
		"closed within the header": {
			everyFifth(func(v visit) bool { v.answer("HTTP/1.1 200 OK\r\nContent-"); return false }),
			kinds{loadgen.Truncated: 40},
			map[int]uint64{200: 160},
		},
		"reset within the body": {
			everyFifth(func(v visit) bool {
				v.answer("HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\nhalf")
				time.Sleep(20 * time.Millisecond)
				return v.reset()
			}),
			kinds{loadgen.Reset: 40},
			map[int]uint64{200: 200},
		},
		"no HTTP": {
			everyFifth(func(v visit) bool { v.answer("SSH-2.0-OpenSSH\r\n\r\n"); return false }),
			kinds{loadgen.Malformed: 40},
			map[int]uint64{200: 160},
		},
		"a malformed chunk": {
			everyFifth(func(v visit) bool {
				v.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
				return false
			}),
			kinds{loadgen.Malformed: 40},
			map[int]uint64{200: 200},
		},
		"a second answer that nobody asked for": {
			// The first answer is correct. The data after it must not count as
			// the answer to the next request.
			everyFifth(func(v visit) bool {
				return v.answer("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother", len(v.body), v.body)
			}),
			kinds{},
			map[int]uint64{200: 200},
		},
		"an interim answer first": {
			everyFifth(func(v visit) bool { v.answer("HTTP/1.1 103 Early Hints\r\n\r\n"); return v.ok() }),
			kinds{},
			map[int]uint64{200: 200},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, test.answer)
			r := run(t, brief(f))
			if r.Total.Arrivals != 200 || f.requests.Load() != 200 {
				t.Errorf("%d arrivals, %d reached the server, want 200: each is sent exactly once", r.Total.Arrivals, f.requests.Load())
			}
			if !maps.Equal(r.Total.Kinds, test.want) {
				t.Errorf("kinds %v, want %v", r.Total.Kinds, test.want)
			}
			if !maps.Equal(r.Total.Status, test.status) {
				t.Errorf("status %v, want %v", r.Total.Status, test.status)
			}
			if len(r.Failures) != int(r.Total.Failed) {
				t.Errorf("%d failures described, want %d", len(r.Failures), r.Total.Failed)
			}
			if clean := r.Clean() == nil; clean != (len(test.want) == 0) {
				t.Errorf("clean: %v", r.Clean())
			}
		})
	}
}

func TestWrongBodyIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, func(v visit) bool {
			if len(v.body) > 0 && v.inAll%2 == 0 {
				v.body[0]++ // the number of another request
			}
			return v.ok()
		})
		o := brief(f)
		for i := range o.Streams {
			o.Streams[i].Connections = loadgen.Kept
		}
		o.Clients = 1
		o.Streams = o.Streams[1:] // POSTs only
		r := run(t, o)
		if got := r.Total.Kinds[loadgen.BadBody]; got != 50 || r.Total.Failed != 50 || r.Total.OK != 50 {
			t.Errorf("%d wrong bodies, want 50: %+v", got, r.Total)
		}
	})
}

func TestRefusedIsCounted(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := run(t, brief(&faulty{url: url}))
	if r.Total.Kinds[loadgen.Refused] != 200 || r.Total.Failed != 200 {
		t.Errorf("%+v, want 200 refused", r.Total)
	}
	if r.Latency.Count != 0 {
		t.Errorf("latency of %d requests, want none: nothing was answered", r.Latency.Count)
	}
}

func TestHangingServerNeitherSlowsNorHides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, func(v visit) bool {
			_, _ = v.conn.Read(make([]byte, 1)) // until the client gives up
			return false
		})
		o := brief(f)
		o.Timeout = 300 * time.Millisecond
		r := run(t, o)
		if r.Total.Kinds[loadgen.Timeout] != 200 || f.requests.Load() != 200 {
			t.Errorf("%+v, %d reached the server, want 200 timeouts", r.Total, f.requests.Load())
		}
		if r.Latency.Max != 300 {
			t.Errorf("latency %+v, want 300 ms", r.Latency)
		}
		if r.Seconds > 0.7 {
			t.Errorf("took %.3f s, want 0.7", r.Seconds)
		}
	})
}

// TestNoCoordinatedOmission checks that a pause of the server does not delay the
// arrivals. The server does not answer for half a second. A generator that waits
// for answers would send one slow request. This one has sent half of all requests
// by then, and the latency of each is its real waiting time.
func TestNoCoordinatedOmission(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		f := inMemory(t, func(v visit) bool {
			if pause := time.Until(begin.Add(600 * time.Millisecond)); pause > 0 && pause < 500*time.Millisecond {
				time.Sleep(pause)
			}
			return v.ok()
		})
		o := brief(f)
		o.Duration = time.Second
		for i := range o.Streams {
			o.Streams[i].Rate = 100
		}
		r := run(t, o)
		if r.Total.OK != 200 {
			t.Fatalf("%+v, want 200 ok", r.Total)
		}
		// 100 of 200 requests arrive during the pause. Their waiting times are
		// spread evenly over 0 to 500 ms.
		if r.Latency.P90 < 300 || r.Latency.P90 > 500 || r.Latency.P99 < 430 {
			t.Errorf("latency %+v, want p90 about 400 ms and p99 about 490 ms", r.Latency)
		}
	})
}

func TestArrivalsBeyondTheBoundAreShedAndCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, func(v visit) bool {
			_, _ = v.conn.Read(make([]byte, 1)) // until the client gives up
			return false
		})
		o := brief(f)
		o.MaxOutstanding = 5
		o.Timeout = 2 * time.Second
		r := run(t, o)
		if r.Total.UnsentKinds[loadgen.Shed] != 195 || r.Total.Kinds[loadgen.Timeout] != 5 || f.requests.Load() != 5 {
			t.Errorf("%+v, want 195 shed and 5 timeouts", r.Total)
		}
		if r.Clean() == nil {
			t.Error("is called clean, although most was not sent")
		}
	})
}

func TestStoppingFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, func(v visit) bool {
			time.Sleep(300 * time.Millisecond)
			return v.ok()
		})
		o := brief(f)
		o.Duration = 0
		ctx, stop := context.WithCancel(t.Context())
		g, err := loadgen.Start(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
		before := g.Mark("stop")
		stop()
		r, err := g.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if before.InFlight == 0 || before.OK != 0 {
			t.Errorf("before the stop: %+v, want requests in flight and none answered", before)
		}
		if r.Total.OK != r.Total.Arrivals || r.Total.Arrivals < 99 || r.Total.Arrivals > 102 {
			t.Errorf("%+v, want about 100 requests and no failure", r.Total)
		}
		if len(r.Marks) != 1 || r.Marks[0].Label != "stop" {
			t.Errorf("marks %+v", r.Marks)
		}
		since := g.Snapshot().Since(before)
		if since.OK != r.Total.OK || since.Failed != 0 || since.InFlight != 0 || since.Status[http.StatusOK] != r.Total.OK {
			t.Errorf("since the mark: %+v", since)
		}
	})
}

func TestSnapshotTellsFailuresSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var bad loadgen.Snapshot
		f := inMemory(t, func(v visit) bool {
			if v.inAll > 100 {
				return false
			}
			return v.ok()
		})
		g, err := loadgen.Start(t.Context(), brief(f))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(101 * time.Millisecond)
		synctest.Wait()
		bad = g.Snapshot()
		if bad.OK < 50 {
			t.Errorf("%d answers after 0.1 s, want 50", bad.OK)
		}
		if !bad.LastFailure.IsZero() {
			t.Errorf("a failure at %s, before there was one", bad.LastFailure)
		}
		<-g.Done()
		end := g.Snapshot()
		since := end.Since(bad)
		if since.Failed != 100 || since.Kinds[loadgen.EOF] != 100 || since.OK != 100-bad.OK {
			t.Errorf("since: %+v, want 100 failures", since.Counters)
		}
		if since.Releases["r1"].OK != since.OK {
			t.Errorf("since, by release: %+v, want %d", since.Releases, since.OK)
		}
		if end.LastFailure.Before(bad.At) {
			t.Errorf("last failure at %s, want one after %s", end.LastFailure, bad.At)
		}
	})
}
