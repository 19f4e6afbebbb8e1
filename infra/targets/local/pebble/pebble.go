// Package pebble runs Let's Encrypt's test authority, Pebble, in this process. It
// is the ACME authority of the local target and of tests. Its certificates are only
// for this computer. Its root and its accounts are new in each run.
package pebble

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// Options describe an authority.
type Options struct {
	// HTTPPort is the port to which challenges are sent. Default 80.
	HTTPPort int
	// Lifetime is the lifetime of certificates. Default 90 days, and six days for
	// certificates of addresses, as at Let's Encrypt.
	Lifetime time.Duration
	// NonceReject is the share of valid nonces that are refused, in percent. Default
	// 0.
	NonceReject int
	// Resolve returns the address of a name. An invalid address means that the name
	// does not exist.
	Resolve func(name string) netip.Addr
	// Log receives the authority's log. Default: no log.
	Log io.Writer
}

// Authority is a running authority.
type Authority struct {
	ca    *ca.CAImpl
	serve http.Handler
	names *dns.Server

	mu     sync.Mutex
	orders int
}

// DirectoryPath is the path of the ACME directory.
const DirectoryPath = wfe.DirectoryPath

// newOrderPath is the path at which Pebble accepts orders.
const newOrderPath = "/order-plz"

// environment guards the environment variables that Pebble reads when it starts.
var environment sync.Mutex

// New starts an authority. ServeHTTP serves it, and Close ends its name server.
func New(o Options) (*Authority, error) {
	if o.HTTPPort == 0 {
		o.HTTPPort = 80
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	lifetime := func(usual time.Duration) uint64 {
		if o.Lifetime > 0 {
			usual = o.Lifetime
		}
		return uint64(usual / time.Second)
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the test authority's name server: %w", err)
	}
	a := &Authority{names: &dns.Server{Listener: listener, Handler: resolver(o.Resolve)}}
	go func() { _ = a.names.ActivateAndServe() }()

	environment.Lock()
	defer environment.Unlock()
	for name, value := range map[string]string{
		"PEBBLE_VA_NOSLEEP":      "1",
		"PEBBLE_AUTHZREUSE":      "0",
		"PEBBLE_WFE_NONCEREJECT": strconv.Itoa(o.NonceReject),
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, fmt.Errorf("setting up the test authority: %w", err)
		}
	}
	logger := log.New(o.Log, "", log.LstdFlags)
	memory := db.NewMemoryStore()
	a.ca = ca.New(logger, memory, "", "ecdsa", 0, 1, map[string]ca.Profile{
		"default":    {Description: "as Let's Encrypt's classic profile", ValidityPeriod: lifetime(90 * 24 * time.Hour)},
		"shortlived": {Description: "for addresses", ValidityPeriod: lifetime(160 * time.Hour)},
	})
	validation := va.New(logger, o.HTTPPort, 443, true, listener.Addr().String(), memory)
	front := wfe.New(logger, memory, validation, a.ca, []string{"pebble.letsencrypt.org"}, true, false, 1, 1)
	a.serve = front.Handler()
	return a, nil
}

// ServeHTTP serves the ACME API.
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := &status{ResponseWriter: w}
	a.serve.ServeHTTP(answer, r)
	if r.URL.Path == newOrderPath && answer.code == http.StatusCreated {
		a.mu.Lock()
		a.orders++
		a.mu.Unlock()
	}
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Orders returns the number of orders that the authority has accepted.
func (a *Authority) Orders() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.orders
}

// Root returns the root certificate that clients have to trust, in PEM.
func (a *Authority) Root() ([]byte, error) {
	root := a.ca.GetRootCert(0)
	if root == nil {
		return nil, errors.New("the test authority has no root certificate")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Cert.Raw}), nil
}

// Close ends the name server.
func (a *Authority) Close() error { return a.names.Shutdown() }

// resolver returns a DNS handler that has only A records.
func resolver(resolve func(string) netip.Addr) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		if q := question.Question; len(q) == 1 && q[0].Qtype == dns.TypeA && resolve != nil {
			name := q[0].Name[:max(0, len(q[0].Name)-1)]
			if address := resolve(name); address.Is4() {
				answer.Answer = append(answer.Answer, &dns.A{
					Hdr: dns.RR_Header{Name: q[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET},
					A:   address.AsSlice(),
				})
			}
		}
		_ = w.WriteMsg(answer)
	})
}
