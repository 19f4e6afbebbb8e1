package certificate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// entry is one subject of a Keeper.
type entry struct {
	k       *Keeper
	subject string
	// pair is the certificate that serves, or nil. record.Orders are those that
	// this machine knows of.
	pair   *Pair
	record record

	archive *archive // nil until there is a seed
	lock    *lock

	// began is the time of the first round. All times of this struct except renewAt
	// are by Clock.Elapsed.
	began    time.Duration
	loaded   bool // the disk was read
	nextRead time.Duration
	onDisk   bool // the disk has the certificate that serves
	inStore  bool
	saveAt   time.Duration

	renewAt time.Time
	askAt   time.Duration // the time of the next request for a Window
	nextTry time.Duration
	tried   time.Duration // the time of the last order, or began
	tries   tries
	// silences and refusals count consecutive failures: without an answer, and with
	// one.
	silences, refusals int

	// orderError is the reason why the last try ended without a certificate.
	// storeError and diskError are the reasons why the certificate is not stored
	// there.
	orderError, storeError, diskError error
}

const (
	// readInterval is the time between two reads of the store, for a certificate that
	// another machine has renewed.
	readInterval = time.Hour
	// saveEvery is the time between two tries to store a certificate, and between
	// two reads of a store that did not answer.
	saveEvery = time.Minute
	// orderTimeout bounds one order.
	orderTimeout = 3 * time.Minute
	// busyPause is the time until a machine checks again whether the owner of the
	// lock is done.
	busyPause = 5 * time.Second
	// withoutStoreAfter is the time without any certificate after which a machine orders
	// without the store.
	withoutStoreAfter = 10 * time.Minute
	// reachGrace is the time after which a machine orders although it cannot reach
	// itself under the subject's name: the authority may use another network.
	reachGrace = 15 * time.Minute
)

func newEntry(k *Keeper, subject string) *entry {
	now := k.Clock.Elapsed()
	return &entry{k: k, subject: subject, began: now, tried: now, nextRead: now, nextTry: now, inStore: true, onDisk: true}
}

// round finds the certificate and decides when it is due.
func (e *entry) round(ctx context.Context) {
	e.load()
	if e.k.seed == nil {
		return
	}
	if e.archive == nil {
		e.archive = &archive{objects: e.k.Objects, seed: *e.k.seed, folder: folder(e.k.Settings.Directory, e.subject)}
		e.lock = &lock{archive: *e.archive, clock: e.k.Clock, machine: e.k.MachineID}
	}
	if now := e.k.Clock.Elapsed(); now >= e.nextRead && now >= e.k.storeAt {
		_ = e.readStore(ctx) // look records its error
	}
	e.save(ctx)
}

// load reads the disk once. A disk that cannot be read is like an empty one: the
// store has the certificate too.
func (e *entry) load() {
	if e.loaded {
		return
	}
	e.loaded = true
	e.loadTries()
	content, err := e.k.Disk.Read(FileName(e.subject))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		e.diskError = fmt.Errorf("reading the certificate from the disk: %w", err)
		return
	}
	pair, r, err := parseFile(content)
	if err == nil {
		err = pair.Leaf.VerifyHostname(e.subject)
	}
	if err != nil {
		// The certificate is in the store, or it is ordered again.
		e.k.Log.Warn("the certificate on the disk is not used", "subject", e.subject, "error", err)
		return
	}
	e.use(pair, r)
	e.inStore = true // look compares it
}

// use makes a pair the certificate that serves.
func (e *entry) use(pair Pair, r record) {
	e.pair = &pair
	r.PEM = pair.PEM
	e.record = r.merged(e.record)
	e.renewAt = renewal(pair)
	e.askAt = e.k.Clock.Elapsed()
}

// readStore reads the store, and takes over a certificate that another machine has
// renewed. It replaces a worse one by this machine's.
func (e *entry) readStore(ctx context.Context) error {
	now := e.k.Clock.Elapsed()
	r, err := e.archive.read(ctx)
	var found *Pair
	switch {
	case errors.Is(err, errCorrupt):
		e.storeError = err
	case err != nil:
		e.storeError = err
		e.nextRead = now + saveEvery
		e.k.storeAt = e.nextRead
		return err
	default:
		e.storeError = nil
		if found, err = e.parse(r); err != nil {
			e.storeError = fmt.Errorf("the certificate in the store: %w", err)
		}
	}
	e.nextRead = now + readInterval
	e.record = e.record.merged(r)
	switch {
	case found.newer(e.pair):
		e.k.Log.Info("certificate found in the store", "subject", e.subject, "serial", found.serial(), "notAfter", found.Leaf.NotAfter)
		e.use(*found, r)
		e.onDisk, e.inStore = false, true
		e.succeeded()
	case e.pair.newer(found):
		e.inStore = false
	default:
		e.inStore = true
	}
	return nil
}

// parse returns the pair of a record, nil for an empty record. Most looks at the
// store find the pair in use, which was parsed before.
func (e *entry) parse(r record) (*Pair, error) {
	switch {
	case len(r.PEM) == 0:
		return nil, nil
	case e.pair != nil && bytes.Equal(r.PEM, e.pair.PEM):
		return e.pair, nil
	}
	pair, err := ParsePair(r.PEM)
	if err != nil {
		return nil, err
	}
	if err := pair.Leaf.VerifyHostname(e.subject); err != nil {
		return nil, err
	}
	return &pair, nil
}

// save stores the certificate where it is missing. The certificate serves even if
// this fails.
func (e *entry) save(ctx context.Context) {
	now := e.k.Clock.Elapsed()
	if e.pair == nil || now < e.saveAt || e.onDisk && e.inStore {
		return
	}
	e.saveAt = now + saveEvery
	if !e.onDisk {
		if err := e.k.Disk.Write(FileName(e.subject), File(*e.pair, e.record.Orders)); err != nil {
			e.diskError = fmt.Errorf("keeping the certificate on the disk: %w", err)
		} else {
			e.onDisk, e.diskError = true, nil
		}
	}
	if !e.inStore && now >= e.k.storeAt {
		if err := e.archive.write(ctx, e.record); err != nil {
			e.storeError = err
			e.k.storeAt = now + saveEvery
		} else {
			e.inStore, e.storeError = true, nil
		}
	}
}

// asks reports whether a request for the Window is due.
func (e *entry) asks() bool {
	return e.pair != nil && e.k.authority != nil && e.k.Clock.Elapsed() >= e.askAt
}

// ask requests the Window of the certificate from the authority. Without an answer,
// the lifetime decides about the renewal.
func (e *entry) ask(ctx context.Context) {
	now := e.k.Clock.Elapsed()
	again := max(min(e.pair.lifetime()/20, 6*time.Hour), minWindowAge)
	e.askAt = now + again
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	w, err := e.k.authority.Window(ctx, e.pair.Leaf)
	if err != nil {
		e.k.Log.Debug("the authority names no time for the renewal", "subject", e.subject, "error", err)
		return
	}
	if w.Again > 0 {
		e.askAt = now + max(min(w.Again, again, maxWindowAge), minWindowAge)
	}
	if e.renewAt.After(w.Start) && e.renewAt.Before(w.End) {
		return // the time that was picked before is still in the window
	}
	if at, ok := w.pick(); ok {
		e.renewAt = bounded(*e.pair, at)
	}
}

// askTimeout is the time limit of one request for a Window.
const askTimeout = 20 * time.Second

// due reports whether a certificate is missing or to be renewed.
func (e *entry) due() bool {
	return e.loaded && e.archive != nil && e.k.authority != nil && e.k.Clock.Elapsed() >= e.nextTry &&
		e.wanted(e.k.now())
}

func (e *entry) wanted(now time.Time) bool { return e.pair == nil || !now.Before(e.renewAt) }

// problems returns the problems that an operator must know.
func (e *entry) problems() []string {
	var all []string
	for _, err := range []error{e.orderError, e.storeError, e.diskError} {
		if err != nil {
			all = append(all, err.Error())
		}
	}
	return all
}

// next returns the time of the next try or of the renewal.
func (e *entry) next(now time.Time) time.Time {
	if e.archive == nil {
		return time.Time{}
	}
	at := now.Add(max(0, e.nextTry-e.k.Clock.Elapsed()))
	if e.pair != nil && e.renewAt.After(at) {
		return e.renewAt
	}
	return at
}
