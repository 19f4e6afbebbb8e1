package https

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"escala/cloudinit"
	"escala/infra/targets/local/pebble"
	"escala/service"
)

// stack is a stack with HTTPS: its authority, its store and its address.
type stack struct {
	t         *testing.T
	authority *pebble.Authority
	acme      *httptest.Server
	isDown    atomic.Bool
	shared    string
	seed      string
	// http and https are the fronts at the stack's stable address.
	http, https *front
}

// newStack starts an authority whose certificates are valid for lifetime.
func newStack(t *testing.T, lifetime time.Duration) *stack {
	t.Helper()
	s := &stack{t: t, shared: t.TempDir(), seed: strings.Repeat("5eed", 16), http: newFront(t), https: newFront(t)}
	_, port, err := net.SplitHostPort(s.http.address())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	s.authority, err = pebble.New(pebble.Options{
		HTTPPort: number, Lifetime: lifetime, NonceReject: 20,
		Resolve: func(name string) netip.Addr {
			if strings.HasPrefix(name, "missing.") {
				return netip.Addr{}
			}
			return netip.MustParseAddr("127.0.0.1")
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.authority.Close() })
	s.acme = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.isDown.Load() {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"type":"urn:ietf:params:acme:error:serverInternal","status":503,"detail":"The service is down for maintenance."}`)
			return
		}
		s.authority.ServeHTTP(w, r)
	}))
	t.Cleanup(s.acme.Close)
	return s
}

// machine returns the description of a machine of the stack.
func (s *stack) machine(spec service.Spec) cloudinit.Machine {
	spec.TLS.Authority = s.acme.URL + pebble.DirectoryPath
	spec.TLS.AuthorityCA = "roots.pem"
	m := cloudinit.NewMachine(spec)
	m.Agent = service.ReleaseID(strings.Repeat("a9", 32))
	m.Secrets = cloudinit.FileSecrets{TLS: cloudinit.TLSSecrets{Seed: s.seed}}
	m.TLS.AuthorityCA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.acme.Certificate().Raw}))
	return m
}

// start starts a machine of the stack with Nginx and the agent.
func (s *stack) start(id string, spec service.Spec) *box {
	s.t.Helper()
	b := newBox(s.t, id, s.machine(spec), s.shared)
	b.startNginx()
	b.startAgent()
	return b
}

// pointTo makes the stack's address lead to a machine.
func (s *stack) pointTo(b *box) {
	s.http.pointTo(b.http)
	s.https.pointTo(b.https)
}

// trusting returns a configuration that trusts the authority.
func (s *stack) trusting() *tls.Config {
	s.t.Helper()
	root, err := s.authority.Root()
	require.NoError(s.t, err)
	pool := x509.NewCertPool()
	require.True(s.t, pool.AppendCertsFromPEM(root))
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// certified waits until the machine serves a certificate for the name, and returns
// its serial number.
func (s *stack) certified(b *box, name string) string {
	s.t.Helper()
	var found string
	eventually(s.t, 40*time.Second, func() (err error) {
		found, err = serial(b.https, name, s.trusting())
		return err
	})
	return found
}

// front is a stable address. It forwards new connections to one machine.
type front struct {
	l  net.Listener
	mu sync.Mutex
	to string
}

func newFront(t *testing.T) *front {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &front{l: l}
	var open sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		open.Wait()
	})
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { f.forward(c) })
		}
	})
	return f
}

func (f *front) address() string { return f.l.Addr().String() }

// pointTo makes new connections go to an address.
func (f *front) pointTo(to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to = to
}

func (f *front) forward(c net.Conn) {
	defer c.Close()
	f.mu.Lock()
	to := f.to
	f.mu.Unlock()
	machine, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer machine.Close()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{machine, c}, {c, machine}} {
		both.Go(func() {
			if _, err := io.Copy(way[0], way[1]); err != nil && !errors.Is(err, net.ErrClosed) {
				_ = way[0].Close()
				return
			}
			_ = way[0].(*net.TCPConn).CloseWrite()
		})
	}
	both.Wait()
}

// down sets whether the authority fails every request.
func (s *stack) down(down bool) { s.isDown.Store(down) }

// startLeading starts a machine at the stack's address.
func (s *stack) startLeading(id string, spec service.Spec) *box {
	s.t.Helper()
	b := newBox(s.t, id, s.machine(spec), s.shared)
	s.pointTo(b)
	b.startNginx()
	b.startAgent()
	return b
}
