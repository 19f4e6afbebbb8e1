package certificate

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"time"
)

// renew orders a certificate, unless another machine of the stack is ordering or has
// ordered one.
func (e *entry) renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	if err := e.checkReach(ctx); err != nil {
		e.failed(err)
		return
	}
	locked, err := e.lock.acquire(ctx)
	switch {
	case err != nil && !e.withoutStore():
		e.failed(err)
		return
	case err == nil && !locked:
		e.orderError = errBusy
		e.nextTry = e.k.Clock.Elapsed() + busyPause
		_ = e.readStore(ctx)
		return
	}
	storeRead := false
	if locked {
		defer e.release(ctx)
		storeRead = e.readStore(ctx) == nil
		if storeRead && !e.wanted(e.k.now()) {
			e.succeeded()
			return
		}
	}
	if err := e.order(ctx, storeRead); err != nil {
		e.failed(err)
		return
	}
	e.succeeded()
	e.save(ctx)
}

var errBusy = errors.New("another machine of this stack is about to get the certificate")

// release frees the lock, even if ctx has ended.
func (e *entry) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveEvery)
	defer cancel()
	if err := e.lock.release(ctx); err != nil {
		e.k.Log.Warn("giving the lock of the certificate back", "subject", e.subject, "error", err)
	}
}

// withoutStore reports whether the machine orders without the store. The order must be
// urgent, and the disk must be able to store the certificate: otherwise each start
// of the agent would order another one.
func (e *entry) withoutStore() bool {
	now := e.k.Clock.Elapsed()
	if !urgent(e.pair, e.k.now()) || e.pair == nil && now-e.began < withoutStoreAfter {
		return false
	}
	if err := e.k.Disk.Write("probe", nil); err != nil {
		e.diskError = fmt.Errorf("keeping a certificate on the disk: %w", err)
		return false
	}
	return true
}

// checkReach checks whether a challenge would arrive here. Until reachGrace has passed
// since the last order, nothing is ordered for a subject that does not lead here.
func (e *entry) checkReach(ctx context.Context) error {
	if e.k.Reach == nil {
		return nil
	}
	err := e.k.Reach(ctx, e.subject, e.k.thumbprint)
	if err != nil && e.k.Clock.Elapsed()-e.tried >= reachGrace {
		e.k.Log.Info("ordering although the subject does not lead here", "subject", e.subject, "error", err)
		return nil
	}
	if err != nil {
		return &unreached{err}
	}
	return nil
}

// unreached is an error of Reach. It costs the authority nothing, so the next try
// comes soon: an operator waits for the effect of a DNS record.
type unreached struct{ error }

func (u *unreached) Unwrap() error { return u.error }

// order gets a certificate from the authority and uses it. shared means that this
// machine has the lock and has read the store, so it may write the record there.
func (e *entry) order(ctx context.Context, shared bool) error {
	now := e.k.now()
	var replaces *x509.Certificate
	var lifetime time.Duration
	if e.pair != nil {
		replaces, lifetime = e.pair.Leaf, e.pair.lifetime()
	}
	if ok, at := e.record.allowed(now, lifetime); !ok {
		return &Refusal{
			Err:  fmt.Errorf("this stack got %d certificates for %s already, and the authority would refuse more: the next is ordered on %s", maxOrdersPerPeriod, e.subject, at.UTC().Format(time.RFC3339)),
			Wait: min(at.Sub(now), time.Hour),
		}
	}
	// The authority counts the tries of the whole stack.
	e.tries.At = mergedTimes(e.tries.At, e.record.Tries)
	if ok, wait := e.tries.allowed(now); !ok {
		return e.tries.refusal(wait)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making the certificate's key: %w", err)
	}
	e.tried = e.k.Clock.Elapsed()
	e.tries.At = append(e.tries.At, now.Unix())
	e.saveTries()
	e.k.mu.Lock()
	e.k.orders++
	e.k.mu.Unlock()
	chain, err := e.k.authority.Order(ctx, e.subject, key, replaces)
	if err != nil {
		e.answered(ctx, err, shared)
		return err
	}
	pair, err := e.join(chain, key)
	if err != nil {
		return &Refusal{Err: fmt.Errorf("the authority's certificate cannot be used: %w", err)}
	}
	e.k.Log.Info("certificate issued", "subject", e.subject, "serial", pair.serial(), "issuer", pair.issuer(), "notAfter", pair.Leaf.NotAfter)
	e.k.setClock(pair)
	e.use(pair, e.record.counted(e.k.now()))
	e.onDisk, e.inStore, e.saveAt = false, false, 0
	e.tries.Refusal = ""
	return nil
}

// answered records the authority's refusal. The authority does not count a request
// that never arrived, nor a failure of its own.
func (e *entry) answered(ctx context.Context, err error, shared bool) {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		e.tries.At = e.tries.At[:len(e.tries.At)-1]
		e.saveTries()
		return
	}
	e.tries.Refusal = refusal.Error()
	e.saveTries()
	if shared {
		e.shareTries(ctx)
	}
}

// join makes a pair of a chain and its key.
func (e *entry) join(chain []byte, key *ecdsa.PrivateKey) (Pair, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("writing the key: %w", err)
	}
	content := io.MultiReader(bytes.NewReader(chain), bytes.NewReader(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	all, err := io.ReadAll(content)
	if err != nil {
		return Pair{}, err
	}
	pair, err := ParsePair(all)
	if err != nil {
		return Pair{}, err
	}
	return pair, pair.Leaf.VerifyHostname(e.subject)
}

// failed plans the next try.
func (e *entry) failed(err error) {
	e.orderError = err
	left := time.Duration(0)
	if e.pair != nil {
		left = e.pair.Leaf.NotAfter.Sub(e.k.now())
	}
	var pause time.Duration
	var refusal *Refusal
	var elsewhere *unreached
	switch {
	case errors.As(err, &refusal):
		e.refusals++
		pause = max(afterRefusal.pause(e.refusals, left), refusal.Wait)
	case errors.As(err, &elsewhere):
		e.silences++
		pause = afterUnreached.pause(e.silences, left)
	default:
		e.silences++
		pause = afterSilence.pause(e.silences, left)
	}
	e.nextTry = e.k.Clock.Elapsed() + pause
}

// succeeded forgets the failures.
func (e *entry) succeeded() {
	e.orderError, e.silences, e.refusals = nil, 0, 0
	e.nextTry = e.k.Clock.Elapsed()
}
