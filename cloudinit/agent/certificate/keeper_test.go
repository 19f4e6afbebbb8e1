package certificate

import (
	"context"
	"crypto/x509"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const day = 24 * time.Hour

func TestFirstCertificateIsKeptEverywhere(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		b := w.box("one")
		b.start()
		defer b.stop()
		pass(time.Minute)
		require.True(t, b.valid())
		assert.Equal(t, 1, w.orders())
		s := b.keeper.Status()
		assert.Equal(t, []string{host}, s.Names)
		assert.Empty(t, s.Missing)
		assert.Empty(t, s.Error)
		assert.Equal(t, 1, s.Orders)
		assert.Equal(t, "01", s.Serial)
		assert.InDelta(t, time.Now().Add(60*day).Unix(), s.Next, float64(day/time.Second))
		assert.True(t, s.Valid(time.Now()))
		_, err := b.Read(host + ".pem")
		require.NoError(t, err)
		for key, content := range w.copyOf() {
			assert.Regexp(t, `^certificates/[0-9a-f]{32}/(certificate|lock)$`, key)
			assert.NotContains(t, string(content), "BEGIN")
		}
	})
}

func TestMachinesShareOneCertificate(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		var all []*box
		for _, id := range []string{"one", "two", "three", "four"} {
			b := w.box(id)
			b.poll = 10 * time.Minute
			all = append(all, b)
			b.start()
			defer b.stop()
		}
		pass(time.Hour)
		assert.Equal(t, 1, w.orders())
		assert.Equal(t, 1, w.counted().together)
		for _, b := range all {
			require.True(t, b.valid(), b)
		}
		// One of them renews, and the others take its certificate over.
		pass(61 * day)
		assert.Equal(t, 2, w.orders())
		for _, b := range all {
			assert.Equal(t, int64(2), b.leaf(host).SerialNumber.Int64(), b)
		}
	})
}

func TestNewMachineOrdersNothing(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		for n := range 30 { // 30 machines in 30 hours
			b := w.box(string(rune('a' + n)))
			b.start()
			pass(time.Hour)
			require.True(t, b.valid())
			b.stop()
		}
		assert.Equal(t, 1, w.orders())
	})
}

// TestRenewalByLifetime checks that certificates of 90, 64, 45 and 6 days are all
// renewed after two thirds of their lifetime, and never late.
func TestRenewalByLifetime(t *testing.T) {
	t.Parallel()
	for _, lifetime := range []time.Duration{90 * day, 64 * day, 45 * day, 160 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, lifetime)
			b := w.box("one")
			b.poll = 10 * time.Minute
			b.start()
			defer b.stop()
			for range int(4 * lifetime / (lifetime / 20)) {
				pass(lifetime / 20)
				require.True(t, b.valid())
				left := time.Until(b.leaf(host).NotAfter)
				require.Greater(t, left, lifetime/4, "it is renewed in time")
			}
			assert.InDelta(t, 6, w.orders(), 1)
		})
	}
}

func TestRenewalByTheAuthoritysWord(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		var asked atomic.Int64
		w.authority.window = func(leaf *x509.Certificate) (Window, error) {
			asked.Add(1)
			return Window{Start: leaf.NotBefore.Add(20 * day), End: leaf.NotBefore.Add(21 * day), Again: 6 * time.Hour}, nil
		}
		b := w.box("one")
		b.start()
		defer b.stop()
		pass(19 * day)
		assert.Equal(t, 1, w.orders())
		assert.LessOrEqual(t, asked.Load(), int64(19*4+2))
		pass(3 * day)
		assert.Equal(t, 2, w.orders())
		// A revocation: the window is suddenly in the past.
		w.set(func(w *world) {
			w.authority.window = func(leaf *x509.Certificate) (Window, error) {
				if leaf.SerialNumber.Int64() == 2 {
					return Window{Start: time.Now().Add(-2 * time.Hour), End: time.Now().Add(-time.Hour)}, nil
				}
				return Window{}, errors.New("none")
			}
		})
		pass(7 * time.Hour)
		assert.Equal(t, 3, w.orders())
		pass(7 * time.Hour)
		assert.Equal(t, 3, w.orders())
	})
}

func TestWindowAfterTheEndIsNotBelieved(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		w.authority.window = func(leaf *x509.Certificate) (Window, error) {
			return Window{Start: leaf.NotAfter.Add(day), End: leaf.NotAfter.Add(2 * day)}, nil
		}
		b := w.box("one")
		b.poll = 10 * time.Minute
		b.start()
		defer b.stop()
		pass(62 * day)
		assert.Equal(t, 2, w.orders())
	})
}

func TestNamesDoNotWaitForEachOther(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		b := w.box("one")
		b.subjects = []string{host, "missing.example.com", "www.example.com"}
		b.reach = func(_ context.Context, subject, _ string) error {
			if subject == "missing.example.com" {
				return errors.New("missing.example.com has no address yet: its DNS record is missing")
			}
			return nil
		}
		b.start()
		defer b.stop()
		pass(time.Minute)
		s := b.keeper.Status()
		assert.Equal(t, []string{host, "www.example.com"}, s.Names)
		assert.Equal(t, []string{"missing.example.com"}, s.Missing)
		assert.Equal(t, "missing.example.com has no address yet: its DNS record is missing", s.Error)
		assert.Equal(t, 2, s.Orders, "a name without a record costs no order")
		// After a quarter of an hour the keeper orders anyway.
		pass(20 * time.Minute)
		assert.Equal(t, 3, b.keeper.Status().Orders)
		assert.NotNil(t, b.leaf("missing.example.com"))
	})
}

func TestSeedThatCannotBeRead(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		b := w.box("one")
		b.start()
		pass(time.Minute)
		b.stop()
		b.noSecret = true
		b.served = Serving{}
		b.start()
		defer b.stop()
		pass(time.Minute)
		assert.True(t, b.valid(), "the disk's serves")
		assert.Contains(t, b.keeper.Status().Error, "reading the seed")
		b.set(func(b *box) { b.noSecret = false })
		pass(2 * time.Minute)
		assert.Empty(t, b.keeper.Status().Error)
		assert.Equal(t, 1, w.orders())
	})
}

func TestProxyThatDoesNotAnswer(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		b := w.box("one")
		b.start()
		defer b.stop()
		pass(time.Minute)
		b.set(func(b *box) { b.proxyOff, b.served = true, Serving{} })
		pass(2 * time.Minute)
		s := b.keeper.Status()
		assert.Empty(t, s.Names)
		assert.Contains(t, s.Error, "the proxy does not run")
		b.set(func(b *box) { b.proxyOff = false })
		pass(2 * time.Minute)
		assert.True(t, b.valid())
		assert.Equal(t, 1, w.orders())
	})
}

// TestNothingIsOrderedBeforeTheProxyRuns checks a new machine, which starts its
// agent long before Nginx.
func TestNothingIsOrderedBeforeTheProxyRuns(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		b := w.box("one")
		b.proxyOff, b.poll = true, 5*time.Second
		b.start()
		defer b.stop()
		pass(10 * time.Minute)
		assert.Zero(t, b.keeper.Status().Orders)
		b.set(func(b *box) { b.proxyOff = false })
		pass(15 * time.Second)
		assert.True(t, b.valid())
		assert.Equal(t, 1, b.keeper.Status().Orders)
	})
}

func TestTicketKeysAreSharedAndChange(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		one, two := w.box("one"), w.box("two")
		one.start()
		defer one.stop()
		two.start()
		defer two.stop()
		pass(time.Minute)
		before := one.serving().Tickets
		assert.Len(t, before, TicketKeyBytes)
		assert.Equal(t, before, two.serving().Tickets)
		pass(TicketPeriod + 2*time.Minute)
		assert.NotEqual(t, before, one.serving().Tickets)
		assert.Equal(t, one.serving().Tickets, two.serving().Tickets)
	})
}
