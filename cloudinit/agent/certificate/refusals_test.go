package certificate

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAuthorityIsDown(t *testing.T) {
	t.Parallel()
	t.Run("at boot", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 90*day)
			w.authority.down = true
			b := w.box("one")
			b.start()
			defer b.stop()
			pass(6 * time.Hour)
			s := b.keeper.Status()
			assert.Equal(t, []string{host}, s.Missing)
			assert.Contains(t, s.Error, "does not answer")
			assert.LessOrEqual(t, s.Orders, 50, "tries are bounded")
			assert.False(t, s.Valid(time.Now()))
			w.set(func(w *world) { w.authority.down = false })
			pass(12 * time.Minute)
			assert.True(t, b.valid())
			assert.Empty(t, b.keeper.Status().Error)
		})
	})
	t.Run("at renewal", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 90*day)
			b := w.box("one")
			b.poll = 10 * time.Minute
			b.start()
			defer b.stop()
			pass(50 * day)
			w.set(func(w *world) { w.authority.down = true })
			pass(39 * day)
			require.True(t, b.valid(), "it serves until its end")
			w.set(func(w *world) { w.authority.down = false })
			pass(45 * time.Minute)
			assert.Equal(t, int64(2), b.leaf(host).SerialNumber.Int64())
		})
	})
	t.Run("for good", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 160*time.Hour)
			b := w.box("one")
			b.poll = 10 * time.Minute
			b.start()
			defer b.stop()
			pass(day)
			w.set(func(w *world) { w.authority.down = true })
			pass(30 * day)
			s := b.keeper.Status()
			assert.Empty(t, s.Names)
			assert.Contains(t, s.Error, "does not answer")
			assert.NotNil(t, b.leaf(host), "an expired certificate serves on, beside plain HTTP")
			assert.Empty(t, b.serving().Valid, "plain HTTP is not redirected to it")
			assert.LessOrEqual(t, s.Orders, 30*24*7, "tries are bounded")
		})
	})
	t.Run("hangs", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 90*day)
			w.authority.hangs = true
			b := w.box("one")
			b.start()
			defer b.stop()
			pass(10 * time.Minute)
			assert.Contains(t, b.keeper.Status().Error, "deadline")
			w.set(func(w *world) { w.authority.hangs = false })
			pass(15 * time.Minute)
			assert.True(t, b.valid())
		})
	})
}

// TestRefusalsAreBounded checks that the keeper stays within the authority's limits.
// Let's Encrypt allows five failed validations of a name in an hour, and its answer
// names the end of a rate limit.
func TestRefusalsAreBounded(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		w.authority.refuses = "CAA record for api.example.com prevents issuance"
		b := w.box("one")
		b.start()
		defer b.stop()
		pass(2 * day)
		assert.Contains(t, b.keeper.Status().Error, "CAA record")
		w.mu.Lock()
		refused := w.authority.refused
		w.mu.Unlock()
		for i, at := range refused {
			if i >= 5 {
				require.Greater(t, at.Sub(refused[i-5]), 55*time.Minute, "try %d", i)
			}
		}
		assert.LessOrEqual(t, len(refused), 55)
		assert.GreaterOrEqual(t, len(refused), 45, "it keeps trying")
		w.set(func(w *world) { w.authority.refuses, w.authority.wait = "too many certificates", 20*time.Hour })
		pass(2 * time.Hour)
		before := len(w.counted().refused)
		pass(17 * time.Hour)
		assert.Len(t, w.counted().refused, before)
	})
}

// TestRefusalsOfAStackAreBounded checks that the refusals of all machines count
// together, also those of a machine that is gone, as the authority counts them.
func TestRefusalsOfAStackAreBounded(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		w.authority.refuses = "CAA record for api.example.com prevents issuance"
		for _, id := range []string{"one", "two", "three"} {
			b := w.box(id)
			b.poll = 5 * time.Second
			b.start()
			defer b.stop()
		}
		for n := range 6 {
			b := w.box("short-lived " + strconv.Itoa(n))
			b.start()
			pass(30 * time.Minute)
			b.stop()
		}
		pass(day)
		limit(t, "refusals", w.counted().refused, 5, 55*time.Minute)
		assert.Greater(t, len(w.counted().refused), 20, "they keep trying")
		w.set(func(w *world) { w.authority.refuses = "" })
		b := w.box("last")
		b.start()
		defer b.stop()
		pass(2 * time.Hour)
		assert.True(t, b.valid())
		assert.Equal(t, 1, w.orders())
	})
}

// TestRefusalsOfACrashLoopAreBounded checks an agent that ends after each refusal
// and starts again at once.
func TestRefusalsOfACrashLoopAreBounded(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		w.authority.refuses = "CAA record for api.example.com prevents issuance"
		b := w.box("one")
		for range 90 {
			b.start()
			pass(10 * time.Second)
			b.stop()
			pass(50 * time.Second)
		}
		limit(t, "refusals", w.counted().refused, 5, 55*time.Minute)
		assert.Contains(t, b.keeper.Status().Error, "CAA record", "the reason outlives the agent")
		w.set(func(w *world) { w.authority.refuses = "" })
		b.start()
		defer b.stop()
		pass(2 * time.Hour)
		assert.True(t, b.valid())
	})
}

// TestRefusalsBeforeTheEndAreBounded checks that the shorter pauses for a
// certificate that is about to end do not exceed the authority's limit.
func TestRefusalsBeforeTheEndAreBounded(t *testing.T) {
	inWorld(t, 160*time.Hour, func(t *testing.T, w *world) {
		b := w.box("one")
		b.poll = 5 * time.Second
		b.start()
		defer b.stop()
		pass(time.Hour)
		w.set(func(w *world) { w.authority.refuses = "refused" })
		pass(170 * time.Hour)
		limit(t, "refusals", w.counted().refused, 5, 55*time.Minute)
	})
}
