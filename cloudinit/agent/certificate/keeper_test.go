package certificate

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

const day = 24 * time.Hour

func TestFirstCertificateIsKeptEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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
		// One of them renews, and the others take it over.
		pass(61 * day)
		assert.Equal(t, 2, w.orders())
		for _, b := range all {
			assert.Equal(t, int64(2), b.leaf(host).SerialNumber.Int64(), b)
		}
	})
}

func TestNewMachineOrdersNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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

// Certificates of 90, 64, 45 and 6 days are all renewed after two thirds of their
// lifetime, and never late.
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
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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

// Let's Encrypt counts five failed validations of a name in an hour, and a rate
// limit names its end.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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

func TestStoreFaults(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(*world){
		"unreachable": func(w *world) { w.storeDown = true },
		"denied":      func(w *world) { w.readOnly = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 160*time.Hour)
				breaks(w)
				b := w.box("one")
				b.start()
				pass(9 * time.Minute)
				assert.False(t, b.valid(), "a store that comes back may have a certificate")
				assert.Contains(t, b.keeper.Status().Error, "store")
				pass(20 * time.Minute)
				require.True(t, b.valid(), "then it orders alone")
				assert.Equal(t, 1, w.orders())
				// An agent that starts again has it on the disk.
				for range 20 {
					b.stop()
					b.start()
					pass(time.Hour)
				}
				assert.Equal(t, 1, w.orders())
				// It is renewed before its end, although nothing keeps others away.
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

// Without a place to keep a certificate, none is ordered: each start would order
// another one.
func TestNothingIsOrderedThatIsKeptNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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
		// With a store, a full disk costs nothing.
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
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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
		// A machine that has none, and a store that has garbage: one order.
		w.corrupt()
		three := w.box("three")
		three.start()
		defer three.stop()
		pass(10 * time.Minute)
		assert.True(t, three.valid())
		assert.Equal(t, 2, w.orders())
	})
}

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

// A clock that is set right after an order must not leave the keeper in the past: the
// certificate would end before it is renewed.
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

// The authority counts the refusals of all machines together, and those of a
// machine that is gone.
func TestRefusalsOfAStackAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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

// An agent that ends after each refusal begins again at once.
func TestRefusalsOfACrashLoopAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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

// The pauses are shorter for a certificate that is about to end. They must not
// exceed the authority's limit.
func TestRefusalsBeforeTheEndAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 160*time.Hour)
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

// A machine that holds the lock is deleted.
func TestLockOfADeadMachine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
		w.authority.hangs = true
		one := w.box("one")
		one.start()
		pass(time.Minute)
		// It ends without giving the lock back.
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

// A machine that tries again has the lock anew: another one that saw it long ago
// does not take it for dead.
func TestLockOfAMachineThatTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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

func TestNamesDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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
		// After a quarter of an hour the authority is asked all the same.
		pass(20 * time.Minute)
		assert.Equal(t, 3, b.keeper.Status().Orders)
		assert.NotNil(t, b.leaf("missing.example.com"))
	})
}

func TestSeedThatCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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

// A new machine starts its agent long before Nginx.
func TestNothingIsOrderedBeforeTheProxyRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
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

// ownPair returns an own certificate as an operator has it.
func ownPair(t *testing.T, w *world, names string, lifetime time.Duration) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	before := w.authority.lifetime
	w.set(func(w *world) { w.authority.thumbprints["own"], w.authority.lifetime = true, lifetime })
	chain, err := account{&w.authority, "own"}.Order(t.Context(), names, key, nil)
	w.set(func(w *world) { w.authority.lifetime = before })
	require.NoError(t, err)
	der, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	// OpenSSL writes the curve before the key.
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})) + string(chain)
}

func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 90*day)
		b := w.box("one")
		b.mode, b.subjects = service.TLSCertificate, []string{host, "www.example.com"}
		b.start()
		pass(time.Minute)
		assert.Contains(t, b.keeper.Status().Error, "reading the certificate: unreachable")
		pair := ownPair(t, w, host, 100*day)
		b.set(func(b *box) { b.own = pair })
		pass(2 * time.Minute)
		require.True(t, b.valid())
		s := b.keeper.Status()
		assert.Equal(t, []string{host}, s.Names)
		assert.Equal(t, []string{"www.example.com"}, s.Missing)
		assert.Contains(t, s.Error, "not www.example.com")
		assert.Equal(t, []string{host}, b.serving().Valid)
		pass(92 * day)
		assert.Contains(t, b.keeper.Status().Error, "service.tls.certificate ends on")
		pass(10 * day)
		assert.Contains(t, b.keeper.Status().Error, "service.tls.certificate ended on")
		assert.Empty(t, b.keeper.Status().Names)
		b.stop()
		// The disk has it while the secrets cannot be read.
		b.own, b.served = "", Serving{}
		b.start()
		pass(time.Minute)
		assert.NotNil(t, b.leaf(host))
		b.stop()
	})
}

func TestOwnCertificateThatIsNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nonsense": "there is no certificate in it",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})): "there is no private key in it",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})) +
			string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")})): "reading the certificate",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 90*day)
			b := w.box("one")
			b.mode, b.own = service.TLSCertificate, text
			b.start()
			pass(time.Minute)
			assert.Contains(t, b.keeper.Status().Error, want)
			assert.NotContains(t, b.keeper.Status().Error, "secret")
			b.stop()
		})
	}
}
