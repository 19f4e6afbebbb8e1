package certificate

import (
	"math/rand/v2"
	"time"
)

// Window is the time in which an authority wants a certificate to be renewed
// (RFC 9773).
type Window struct {
	Start, End time.Time
	// Again is the time after which the authority wants to be asked again.
	Again time.Duration
}

// Bounds of the time between two requests for the same Window.
const (
	minWindowAge = time.Minute
	maxWindowAge = 24 * time.Hour
)

// pick returns a random time of the window, so that many machines do not renew at
// once.
func (w Window) pick() (time.Time, bool) {
	wide := w.End.Sub(w.Start)
	if w.Start.IsZero() || wide <= 0 {
		return time.Time{}, false
	}
	return w.Start.Add(rand.N(wide)), true
}

// renewal returns the time at which a pair is renewed if its authority gives no
// Window: after two thirds of its lifetime.
func renewal(p Pair) time.Time { return p.Leaf.NotBefore.Add(p.lifetime() * 2 / 3) }

// bounded returns an authority's time, unless it leaves less than a tenth of the
// lifetime for failures.
func bounded(p Pair, at time.Time) time.Time {
	if last := p.Leaf.NotAfter.Add(-p.lifetime() / 10); at.After(last) {
		return renewal(p)
	}
	return at
}

// urgent reports whether a pair has less than a sixth of its lifetime left. A
// machine then orders without the store, if the store prevents the renewal.
func urgent(p *Pair, now time.Time) bool {
	return p == nil || now.After(p.Leaf.NotAfter.Add(-p.lifetime()/6))
}

// backoff is the pause after failures in a row. Let's Encrypt allows five failed
// validations of a name in an hour ("Rate Limits"), which doubling from two
// minutes stays below.
type backoff struct{ first, limit time.Duration }

var (
	// afterRefusal is the pause after a refusal that the authority counts.
	afterRefusal = backoff{2 * time.Minute, time.Hour}
	// afterSilence is the pause after a request that never reached the authority,
	// and after a failure of its own.
	afterSilence = backoff{10 * time.Second, 10 * time.Minute}
	// afterUnreached is the pause after a subject did not lead here.
	afterUnreached = backoff{5 * time.Second, 30 * time.Second}
)

// pause returns the time until the next try after n failures in a row, with a
// tenth of jitter. The pause is at most a tenth of the time that is left, so that
// short-lived certificates get more tries.
func (b backoff) pause(n int, left time.Duration) time.Duration {
	d := b.first
	for i := 1; i < n && d < b.limit; i++ {
		d *= 2
	}
	d = min(d, b.limit)
	if left > 0 {
		d = min(d, max(left/10, time.Second))
	}
	return d - d/20 + rand.N(d/10)
}

// The most orders for one subject in orderPeriod. Let's Encrypt issues five
// certificates for the same names in seven days ("Rate Limits"), and the last is
// left for an operator.
const (
	maxOrdersPerPeriod = 4
	orderPeriod        = 7 * 24 * time.Hour
)

// allowed reports whether the stack may order a certificate for a subject again,
// and if not, when. For certificates that live shorter than orderPeriod, the
// period is their lifetime.
func (r record) allowed(now time.Time, lifetime time.Duration) (bool, time.Time) {
	period := orderPeriod
	if lifetime > 0 {
		period = min(period, lifetime)
	}
	var within []int64
	for _, at := range r.Orders {
		// A clock that was ahead has recorded an order of the future.
		if age := now.Sub(time.Unix(at, 0)); age < period && age > -period {
			within = append(within, at)
		}
	}
	if len(within) < maxOrdersPerPeriod {
		return true, time.Time{}
	}
	return false, time.Unix(within[len(within)-maxOrdersPerPeriod], 0).Add(period)
}
