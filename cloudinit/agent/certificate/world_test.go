package certificate

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/store"
	"escala/service"
)

const host = "api.example.com"

// world is shared by the machines of a stack: an authority and a store. It runs in a
// bubble of testing/synctest, whose clock is the true time.
type world struct {
	t         *testing.T
	began     time.Time
	mu        sync.Mutex
	authority authority
	objects   map[string][]byte
	storeDown bool // no answer
	readOnly  bool // every write is denied
}

func newWorld(t *testing.T, lifetime time.Duration) *world {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	w := &world{t: t, began: time.Now(), objects: map[string][]byte{}, authority: authority{
		key: key, lifetime: lifetime, backdate: lifetime / 2000, thumbprints: map[string]bool{},
	}}
	w.authority.world = w
	return w
}

// inWorld runs a test beside others, with a world whose authority issues
// certificates of a lifetime. Time is the test's own.
func inWorld(t *testing.T, lifetime time.Duration, run func(*testing.T, *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { run(t, newWorld(t, lifetime)) })
}

// authority issues certificates with a key of its own.
type authority struct {
	world    *world
	key      *ecdsa.PrivateKey
	lifetime time.Duration
	backdate time.Duration
	down     bool
	refuses  string
	wait     time.Duration
	hangs    bool
	window   func(leaf *x509.Certificate) (Window, error)
	// thumbprints are those of machines that the subjects lead to.
	thumbprints map[string]bool
	serial      int64
	issued      []time.Time
	refused     []time.Time
	running     int
	together    int // the most orders at once
}

// account is the authority as an account sees it.
type account struct {
	*authority
	thumbprint string
}

func (a account) Order(ctx context.Context, subject string, key crypto.Signer, _ *x509.Certificate) ([]byte, error) {
	w := a.world
	w.mu.Lock()
	a.running++
	a.together = max(a.together, a.running)
	hangs := a.hangs
	w.mu.Unlock()
	// An order takes some seconds.
	took := time.NewTimer(4 * time.Second)
	defer took.Stop()
	if hangs {
		took.Reset(time.Hour)
	}
	var err error
	select {
	case <-took.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	a.running--
	now := time.Now()
	switch {
	case err != nil:
		return nil, err
	case a.down:
		return nil, errors.New("the authority does not answer")
	case a.refuses != "":
		a.refused = append(a.refused, now)
		return nil, &Refusal{Err: errors.New(a.refuses), Wait: a.wait}
	case !a.thumbprints[a.thumbprint]:
		a.refused = append(a.refused, now)
		return nil, &Refusal{Err: errors.New("the challenge has another answer")}
	}
	a.serial++
	a.issued = append(a.issued, now)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: subject}, Issuer: pkix.Name{CommonName: "test"},
		NotBefore: now.Add(-a.backdate), NotAfter: now.Add(-a.backdate + a.lifetime), AuthorityKeyId: []byte{1},
	}
	if ip := net.ParseIP(subject); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{subject}
	}
	parent := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, SubjectKeyId: []byte{1}}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

func (a account) Window(_ context.Context, leaf *x509.Certificate) (Window, error) {
	w := a.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.down || a.window == nil {
		return Window{}, errors.New("no renewal information")
	}
	return a.window(leaf)
}

// Read and Write simulate the store.
func (w *world) Read(_ context.Context, key string, limit int64) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	content, there := w.objects[key]
	switch {
	case w.storeDown:
		return nil, store.ErrUnreachable
	case !there:
		return nil, store.ErrNotFound
	case int64(len(content)) > limit:
		return nil, store.ErrCorrupt
	}
	return bytes.Clone(content), nil
}

func (w *world) Write(_ context.Context, key string, content []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.storeDown:
		return store.ErrUnreachable
	case w.readOnly:
		return store.ErrDenied
	}
	w.objects[key] = bytes.Clone(content)
	return nil
}

// corrupt breaks every object of the store.
func (w *world) corrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, content := range w.objects {
		if len(content) > 20 {
			content[20] ^= 1
		} else {
			w.objects[key] = []byte("garbage")
		}
	}
}

func (w *world) set(change func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

// box is a machine: its disk and its Nginx outlive the agent.
type box struct {
	w      *world
	id     string
	keeper *Keeper
	end    context.CancelFunc
	done   chan struct{}
	skew   time.Duration // of the machine's clock

	mu       sync.Mutex
	files    map[string][]byte
	diskFull bool
	served   Serving
	proxyOff bool
	noSecret bool
	own      string
	mode     service.TLSMode
	subjects []string
	reach    Reach
	poll     time.Duration
}

func (w *world) box(id string) *box {
	return &box{w: w, id: id, files: map[string][]byte{}, mode: service.TLSACME, subjects: []string{host}, poll: time.Minute}
}

// start starts the agent.
func (b *box) start() {
	began := time.Now()
	b.keeper = &Keeper{
		Settings: Settings{Mode: b.mode, Subjects: b.subjects, Directory: "https://ca.example/dir"},
		Authorities: func(key *ecdsa.PrivateKey) (Authority, error) {
			thumbprint, err := Thumbprint(&key.PublicKey)
			return account{&b.w.authority, thumbprint}, err
		},
		Objects: b.w, Disk: b, Secrets: b, Proxy: b, Reach: b.reach,
		Clock: boxClock{b, began}, Log: slog.New(slog.DiscardHandler), MachineID: b.id, Poll: b.poll,
	}
	ctx, end := context.WithCancel(b.w.t.Context())
	b.end, b.done = end, make(chan struct{})
	go func() {
		defer close(b.done)
		b.keeper.Run(ctx)
	}()
}

func (b *box) stop() {
	b.end()
	<-b.done
}

func (b *box) Read(name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, there := b.files[name]
	if !there {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(content), nil
}

func (b *box) set(change func(*box)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// write writes a file to the machine's disk.
func (b *box) write(name string, content []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.diskFull {
		return syscall.ENOSPC
	}
	b.files[name] = bytes.Clone(content)
	return nil
}

func (b *box) Write(name string, content []byte) error { return b.write(name, content) }

func (b *box) Seed(context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.noSecret {
		return "", errors.New("unreachable")
	}
	return strings.Repeat("5eed", 16), nil
}

func (b *box) Own(context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.own == "" {
		return "", errors.New("unreachable")
	}
	return b.own, nil
}

// Serve simulates Nginx. The stack's name leads to every machine that serves.
func (b *box) Serve(_ context.Context, s Serving) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.proxyOff {
		return fmt.Errorf("asking Nginx: %w", ErrNoProxy)
	}
	for subject, file := range s.Files {
		if bytes.Equal(file, b.served.Files[subject]) {
			continue
		}
		before, after := b.leafOf(b.served, subject), leafIn(file)
		if before != nil && after.NotAfter.Before(before.NotAfter) {
			b.w.t.Errorf("%s serves %s until %s after one until %s", b.id, subject, after.NotAfter, before.NotAfter)
		}
	}
	b.served = s
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if s.Thumbprint != "" {
		b.w.authority.thumbprints[s.Thumbprint] = true
	}
	return nil
}

func (b *box) leafOf(s Serving, subject string) *x509.Certificate {
	if file, there := s.Files[subject]; there {
		return leafIn(file)
	}
	return nil
}

func leafIn(file []byte) *x509.Certificate {
	pair, _, err := parseFile(file)
	if err != nil {
		panic(err)
	}
	return pair.Leaf
}

// leaf returns the certificate that the machine serves for a subject.
func (b *box) leaf(subject string) *x509.Certificate {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.leafOf(b.served, subject)
}

// valid reports whether the machine serves a valid certificate for the host, by the
// true time.
func (b *box) valid() bool {
	leaf := b.leaf(host)
	return leaf != nil && time.Now().Before(leaf.NotAfter)
}

func (b *box) String() string {
	leaf := b.leaf(host)
	if leaf == nil {
		return b.id + " serves nothing"
	}
	return fmt.Sprintf("%s serves %d until %s", b.id, leaf.SerialNumber, leaf.NotAfter)
}

// boxClock is a machine's clock: the wall clock may be wrong.
type boxClock struct {
	b     *box
	began time.Time
}

func (c boxClock) Now() time.Time {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return time.Now().Add(c.b.skew)
}

func (c boxClock) Elapsed() time.Duration { return time.Since(c.began) }

func (c boxClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serving returns what the machine serves.
func (b *box) serving() Serving {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.served
}

// counts are the authority's counts.
type counts struct {
	issued, refused []time.Time
	together        int
}

func (w *world) counted() counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return counts{slices.Clone(w.authority.issued), slices.Clone(w.authority.refused), w.authority.together}
}

// orders returns the number of certificates that the authority issued.
func (w *world) orders() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.authority.issued)
}

// copyOf returns the store's objects.
func (w *world) copyOf() map[string][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.objects)
}

// pass lets time pass, until all machines are at rest. What they wrote can be read
// then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
