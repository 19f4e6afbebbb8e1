package certificate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStoreFaults(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(*world){
		"unreachable": func(w *world) { w.storeDown = true },
		"denied":      func(w *world) { w.readOnly = true },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 160*time.Hour, func(t *testing.T, w *world) {
				breaks(w)
				b := w.box("one")
				b.start()
				pass(9 * time.Minute)
				assert.False(t, b.valid(), "a store that comes back may have a certificate")
				assert.Contains(t, b.keeper.Status().Error, "store")
				pass(20 * time.Minute)
				require.True(t, b.valid(), "then it orders alone")
				assert.Equal(t, 1, w.orders())
				// A restarted agent reads it from the disk.
				for range 20 {
					b.stop()
					b.start()
					pass(time.Hour)
				}
				assert.Equal(t, 1, w.orders())
				// It is renewed before its end, although no lock keeps others away.
				pass(140 * time.Hour)
				assert.True(t, b.valid())
				assert.LessOrEqual(t, w.orders(), 3)
				w.set(func(w *world) { w.storeDown, w.readOnly = false, false })
				pass(2 * time.Hour)
				assert.Empty(t, b.keeper.Status().Error)
				assert.Contains(t, w.copyOf(), folder("https://ca.example/dir", host)+"/certificate", "it is kept for the next machine")
				b.stop()
			})
		})
	}
}

// TestNothingIsOrderedThatIsKeptNowhere checks that no certificate is ordered
// without a place to store it: each start would order another one.
func TestNothingIsOrderedThatIsKeptNowhere(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		w.storeDown = true
		b := w.box("one")
		b.diskFull = true
		for range 10 {
			b.start()
			pass(time.Hour)
			b.stop()
		}
		assert.Zero(t, w.orders())
		assert.Contains(t, b.keeper.Status().Error, "no space left")
		// With a store, a full disk does not matter.
		w.set(func(w *world) { w.storeDown = false })
		for range 10 {
			b.start()
			pass(time.Hour)
			require.True(t, b.valid())
			b.stop()
		}
		assert.Equal(t, 1, w.orders())
	})
}

func TestCorruptedObjectIsWrittenAgain(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		b := w.box("one")
		b.start()
		defer b.stop()
		pass(time.Minute)
		w.corrupt()
		pass(2 * time.Hour)
		two := w.box("two")
		two.start()
		defer two.stop()
		pass(2 * time.Minute)
		assert.True(t, two.valid())
		assert.Equal(t, 1, w.orders())
		// The machine has no certificate and the store has garbage: this costs one
		// order.
		w.corrupt()
		three := w.box("three")
		three.start()
		defer three.stop()
		pass(10 * time.Minute)
		assert.True(t, three.valid())
		assert.Equal(t, 2, w.orders())
	})
}

// TestLockOfADeadMachine checks a lock whose machine is deleted.
func TestLockOfADeadMachine(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		w.authority.hangs = true
		one := w.box("one")
		one.start()
		pass(time.Minute)
		// The machine ends without releasing the lock.
		w.set(func(w *world) { w.storeDown = true })
		one.stop()
		w.set(func(w *world) { w.storeDown, w.authority.hangs = false, false })
		two := w.box("two")
		two.start()
		defer two.stop()
		pass(time.Minute)
		assert.False(t, two.valid())
		assert.Contains(t, two.keeper.Status().Error, "another machine")
		pass(lockLease + 2*time.Minute)
		assert.True(t, two.valid())
		assert.Empty(t, two.keeper.Status().Error)
	})
}

// TestLockOfAMachineThatTriesAgain checks that a machine which tries again has a new
// lock: another machine that saw the old one long ago does not take it for dead.
func TestLockOfAMachineThatTriesAgain(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		w.authority.hangs = true
		for _, id := range []string{"one", "two", "three"} {
			b := w.box(id)
			b.start()
			defer b.stop()
		}
		pass(10 * time.Hour)
		assert.Equal(t, 1, w.counted().together)
	})
}
