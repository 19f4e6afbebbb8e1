package certificate

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

var lives = flag.Int("lives", 8, "number of random lives of a stack; -short plays two of them")

// TestLives checks two months of a stack in which things break: machines come and
// go, agents are killed, the authority, the store, disks, Nginx and clocks fail for
// a while, objects are corrupted. In every life:
//
//   - one machine orders at a time, unless the store breaks
//   - no machine serves an older certificate after a newer one (box.Serve)
//   - the authority's rate limits are kept: five certificates in seven days or one
//     lifetime, five refusals in an hour. In half of the lives the store breaks too.
//     A machine whose certificate is about to end then orders without the store, so
//     the limit applies to each of four machines. In the half of the lives in which
//     clocks are wrong, the same is true of the limit of refusals
//   - within a quarter of an hour after the last fault, all machines serve a valid
//     certificate and report no error
func TestLives(t *testing.T) {
	t.Parallel()
	count := *lives
	if testing.Short() {
		count = min(count, 2)
	}
	for n := range count {
		seed := uint64(n)
		if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { live(t, seed) }) }) {
			return
		}
	}
}

func live(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	lifetime := []time.Duration{90 * day, 45 * day, 160 * time.Hour}[r.IntN(3)]
	w := newWorld(t, lifetime)
	poll := 20 * time.Minute
	storeBreaks := r.IntN(2) == 0
	clocksBreak := r.IntN(2) == 0
	mostIssued, mostRefused := 5, 5
	if storeBreaks {
		mostIssued *= 4
	}
	if storeBreaks || clocksBreak {
		mostRefused *= 4
	}
	var log []string
	var boxes []*box
	born := 0
	add := func() {
		born++
		b := w.box("machine-" + strconv.Itoa(born))
		b.poll = poll
		if clocksBreak && r.IntN(2) == 0 {
			b.skew = time.Duration(r.IntN(48)-24) * time.Hour
		}
		b.start()
		boxes = append(boxes, b)
	}
	add()
	heal := func() {
		w.set(func(w *world) {
			w.authority.down, w.authority.hangs, w.authority.refuses, w.storeDown, w.readOnly = false, false, "", false, false
		})
		for _, b := range boxes {
			b.set(func(b *box) { b.diskFull, b.proxyOff, b.noSecret = false, false, false })
		}
	}
	for time.Since(w.began) < 60*day {
		one := boxes[r.IntN(len(boxes))]
		what := r.IntN(13)
		if 6 <= what && what <= 8 && !storeBreaks {
			what = 12
		}
		log = append(log, fmt.Sprintf("%s: %d on %s", time.Since(w.began), what, one.id))
		switch what {
		case 0:
			if len(boxes) < 4 {
				add()
			}
		case 1: // a machine is replaced
			one.stop()
			boxes = append(boxes[:0:0], boxes...)
			for i, b := range boxes {
				if b == one {
					boxes = append(boxes[:i], boxes[i+1:]...)
					break
				}
			}
			add()
		case 2:
			one.stop()
			one.start()
		case 3:
			w.set(func(w *world) { w.authority.down = true })
		case 4:
			w.set(func(w *world) { w.authority.hangs = true })
		case 5:
			w.set(func(w *world) { w.authority.refuses = "rate limited" })
		case 6:
			w.set(func(w *world) { w.storeDown = true })
		case 7:
			w.set(func(w *world) { w.readOnly = true })
		case 8:
			w.corrupt()
		case 9:
			one.set(func(b *box) { b.diskFull = true })
		case 10:
			one.set(func(b *box) { b.proxyOff = true })
		case 11:
			one.set(func(b *box) { b.noSecret = true })
		default:
			heal()
		}
		pass(time.Duration(r.Int64N(int64(30 * time.Hour))))
		if r.IntN(2) == 0 {
			heal()
		}
	}
	heal()
	// The backoff is at most an hour, a lock lasts 6 minutes, and the store is read
	// once an hour.
	pass(3 * time.Hour)
	for _, b := range boxes {
		if !b.valid() {
			t.Errorf("%s: %+v", b, b.keeper.Status())
		}
		if s := b.keeper.Status(); s.Error != "" {
			t.Errorf("%s: %s", b, s.Error)
		}
		b.stop()
	}
	if n := w.authority.together; n > 1 && !storeBreaks {
		t.Errorf("%d machines ordered at once", n)
	}
	limit(t, "certificates", w.authority.issued, mostIssued, min(orderPeriod, lifetime)-time.Hour)
	limit(t, "refusals", w.authority.refused, mostRefused, 55*time.Minute)
	if t.Failed() {
		for _, line := range log {
			t.Log(line)
		}
	}
}

// limit asserts that no period has more than most of the times.
func limit(t *testing.T, what string, times []time.Time, most int, period time.Duration) {
	t.Helper()
	for i := most; i < len(times); i++ {
		if within := times[i].Sub(times[i-most]); within < period {
			t.Errorf("%d %s within %s, %s after the first", most+1, what, within, times[i].Sub(times[0]))
			return
		}
	}
}
