package certificate

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestClockThatIsWrongByADay(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{day, -day, 400 * day, -400 * day} {
		for _, lifetime := range []time.Duration{90 * day, 160 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, lifetime)
				b, right := w.box("wrong"), w.box("right")
				b.skew, b.poll, right.poll = skew, 10*time.Minute, 10*time.Minute
				b.start()
				defer b.stop()
				right.start()
				defer right.stop()
				pass(time.Hour)
				require.NotNil(t, b.leaf(host))
				for range 20 {
					pass(day)
					require.True(t, right.valid())
				}
				w.mu.Lock()
				issued := w.authority.issued
				w.mu.Unlock()
				for i, at := range issued {
					if i >= 5 {
						require.Greater(t, at.Sub(issued[i-5]), min(orderPeriod, lifetime)-time.Hour, "skew %s, lifetime %s: %v", skew, lifetime, issued)
					}
				}
			})
		}
	}
}

// TestClockThatIsSetRightLater checks that a clock which is corrected right after an
// order does not leave the keeper in the past. The certificate would end before it
// is renewed.
func TestClockThatIsSetRightLater(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{40 * day, -40 * day, 400 * day, -400 * day} {
		for _, lifetime := range []time.Duration{90 * day, 160 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, lifetime)
				b := w.box("one")
				b.skew, b.poll = skew, 10*time.Minute
				b.start()
				defer b.stop()
				pass(time.Hour)
				require.True(t, b.valid())
				b.set(func(b *box) { b.skew = 0 })
				for range 100 {
					pass(day)
					require.True(t, b.valid(), "skew %s, lifetime %s: %s", skew, lifetime, b)
				}
			})
		}
	}
}
