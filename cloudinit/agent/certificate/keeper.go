package certificate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"escala/service"
	"escala/service/machine"
)

// Keeper obtains, stores and renews the certificates of one machine. All fields are
// required, except those marked as optional.
type Keeper struct {
	Settings Settings
	// Authorities is optional in service.TLSCertificate mode.
	Authorities Authorities
	Objects     Objects
	Disk        Disk
	Secrets     Secrets
	Proxy       Proxy
	// Reach is optional: without it, the Keeper orders at once.
	Reach Reach
	Clock Clock
	Log   *slog.Logger
	// MachineID is the cloud's own id of the machine.
	MachineID string
	// Poll is the time between two rounds.
	Poll time.Duration

	seed       *Seed
	authority  Authority
	thumbprint string
	entries    []*entry
	own        ownCertificate
	served     error // of the last round's Serve
	// authorityTime is the authority's time at right, by Clock.Elapsed. It is zero
	// unless this machine's clock was found to be wrong.
	authorityTime   time.Time
	authorityTimeAt time.Duration
	// storeAt is the time, by Clock.Elapsed, before which a store that did not
	// answer is not used again, except for an order.
	storeAt time.Duration
	secret  error // why there is no seed
	logged  string

	mu     sync.Mutex
	status machine.Certificate
	orders int
}

// Run maintains the certificates until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if !k.Round(ctx) {
			_ = k.Clock.Sleep(ctx, k.Poll)
		}
	}
}

// Status returns a copy of the certificates' status.
func (k *Keeper) Status() *machine.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.status
	return &s
}

// Round checks the certificates once and does what is due: at most one order. more
// reports whether another order is due.
func (k *Keeper) Round(ctx context.Context) (more bool) {
	k.readSeed(ctx)
	if k.Settings.Mode == service.TLSCertificate {
		k.own.round(ctx, k)
		k.serve(ctx)
		return false
	}
	if k.entries == nil {
		for _, subject := range k.Settings.Subjects {
			k.entries = append(k.entries, newEntry(k, subject))
		}
	}
	for _, e := range k.entries {
		e.round(ctx)
	}
	// The proxy must answer the challenges of an order, and serves what was found in
	// the meantime.
	k.serve(ctx)
	e := k.nextDue()
	if e == nil {
		k.ask(ctx)
		return false
	}
	e.renew(ctx)
	k.serve(ctx)
	return k.nextDue() != nil
}

// ask sends the request for the Window of one entry. It sends only one, because a
// request that hangs must not keep the other certificates from the proxy.
func (k *Keeper) ask(ctx context.Context) {
	for _, e := range k.entries {
		if e.asks() {
			e.ask(ctx)
			return
		}
	}
}

// now returns the time by the authority's clock, as far as it is known. By a clock
// far ahead, each new certificate would seem to have expired. A clock that was found
// to be wrong is not used again, because it may be corrected at any time.
func (k *Keeper) now() time.Time {
	if k.authorityTime.IsZero() {
		return k.Clock.Now()
	}
	return k.authorityTime.Add(k.Clock.Elapsed() - k.authorityTimeAt)
}

// setClock compares the clock with the beginning of a certificate that was issued
// just now. Let's Encrypt dates it back by an hour, others to midnight.
func (k *Keeper) setClock(p Pair) {
	k.authorityTime = time.Time{}
	if ahead := k.Clock.Now().Sub(p.Leaf.NotBefore); ahead > 25*time.Hour || ahead < -time.Minute {
		k.authorityTime, k.authorityTimeAt = p.Leaf.NotBefore, k.Clock.Elapsed()
		k.Log.Warn("this machine's clock is wrong", "ahead", ahead)
	}
}

// nextDue returns the entry that has waited the longest for an order.
func (k *Keeper) nextDue() *entry {
	if errors.Is(k.served, ErrNoProxy) {
		return nil
	}
	var next *entry
	for _, e := range k.entries {
		if e.due() && (next == nil || e.nextTry < next.nextTry) {
			next = e
		}
	}
	return next
}

// readSeed reads the seed, unless that was done.
func (k *Keeper) readSeed(ctx context.Context) {
	if k.seed != nil {
		return
	}
	text, err := k.Secrets.Seed(ctx)
	if err != nil {
		k.secret = fmt.Errorf("reading the seed of the keys: %w", err)
		return
	}
	seed, err := ParseSeed(text)
	if err != nil {
		k.secret = err
		return
	}
	if k.Settings.Mode != service.TLSCertificate {
		if err := k.open(seed); err != nil {
			k.secret = err
			return
		}
	}
	k.seed, k.secret = &seed, nil
}

// open opens the account at the authority.
func (k *Keeper) open(seed Seed) error {
	account, err := seed.AccountKey()
	if err != nil {
		return err
	}
	if k.thumbprint, err = Thumbprint(&account.PublicKey); err != nil {
		return err
	}
	if k.authority, err = k.Authorities(account); err != nil {
		return fmt.Errorf("opening the account of %s: %w", k.Settings.Directory, err)
	}
	return nil
}

// serve gives the proxy the certificates, and updates the status.
func (k *Keeper) serve(ctx context.Context) {
	now := k.now()
	s := Serving{Thumbprint: k.thumbprint, Files: map[string][]byte{}}
	if k.seed != nil {
		s.Tickets = k.seed.TicketKey(now)
	}
	for _, c := range k.certificates() {
		if c.pair == nil {
			continue
		}
		s.Files[c.subject] = File(*c.pair, c.orders)
		if !c.pair.expired(now) {
			s.Valid = append(s.Valid, c.subject)
		}
	}
	k.served = k.Proxy.Serve(ctx, s)
	k.report(now)
}

// subject is a subject with its certificate, or nil.
type subject struct {
	subject string
	pair    *Pair
	orders  []int64
}

// certificates returns all subjects, the host first.
func (k *Keeper) certificates() []subject {
	var all []subject
	if k.Settings.Mode == service.TLSCertificate {
		for _, name := range k.Settings.Subjects {
			all = append(all, subject{subject: name, pair: k.own.covering(name)})
		}
		return all
	}
	for _, e := range k.entries {
		all = append(all, subject{e.subject, e.pair, e.record.Orders})
	}
	return all
}
