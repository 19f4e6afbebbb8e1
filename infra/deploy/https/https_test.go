package https

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// authority is a certificate authority for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	n    int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.key, a.cert = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "Test Root"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0),
	})
	return a
}

func (a *authority) sign(template *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	a.n++
	template.SerialNumber = big.NewInt(a.n)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return key, cert
}

// pem returns the authority's root in PEM.
func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// pair returns a certificate for names with its key, in PEM.
func (a *authority) pair(from, to time.Time, names ...string) (certificate, key []byte) {
	a.t.Helper()
	template := &x509.Certificate{NotBefore: from, NotAfter: to, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	private, cert := a.sign(template)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(a.t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// serve presents a certificate on loopback and returns the address.
func (a *authority) serve(from, to time.Time, names ...string) string {
	a.t.Helper()
	certificate, key := a.pair(from, to, names...)
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(a.t, err)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	a.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestCertificate(t *testing.T) {
	a := newAuthority(t)
	before, after := noon.AddDate(0, -1, 0), noon.AddDate(0, 1, 0)
	both := []string{"api.example.com", "www.example.com"}
	for _, one := range []struct {
		name     string
		from, to time.Time
		has      []string
		asks     []string
		ca       []byte
		message  string
	}{
		{"good", before, after, both, both, a.pem(), ""},
		{"an address", before, after, []string{"192.0.2.7"}, []string{"192.0.2.7"}, a.pem(), ""},
		{"other host", before, after, []string{"other.example.com"}, both, a.pem(), "api.example.com: the certificate is for other.example.com"},
		{"one name is missing", before, after, both[:1], both, a.pem(), "www.example.com: the certificate is for api.example.com"},
		{"expired", before, noon.Add(-time.Hour), both, both, a.pem(), "api.example.com: the certificate has expired on 2026-11-26"},
		{"not yet", noon.Add(time.Hour), after, both, both, a.pem(), "api.example.com: the certificate is valid from 2026-11-26T13:00:00Z on"},
		{"unknown authority", before, after, both, both, nil, `api.example.com: the certificate is issued by "Test Root", which this computer does not trust`},
	} {
		t.Run(one.name, func(t *testing.T) {
			look := Check{Address: a.serve(one.from, one.to, one.has...), Names: one.asks, CA: one.ca, now: func() time.Time { return noon }}
			err := look.Certificate(t.Context())
			if one.message == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.Contains(t, err.Error(), one.message)
		})
	}
}

func TestNoHTTPS(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	err := Check{Address: plain.Listener.Addr().String(), Names: []string{"api.example.com"}}.Certificate(t.Context())
	require.ErrorContains(t, err, "does not answer HTTPS")
	closed := plain.Listener.Addr().String()
	plain.Close()
	err = Check{Address: closed, Names: []string{"api.example.com"}}.Certificate(t.Context())
	require.ErrorContains(t, err, "connection refused")
	assert.Equal(t, 1, strings.Count(err.Error(), closed), "the address stands there once: %s", err)
}

// zone is a resolver with fixed answers.
type zone map[string][]string

func (z zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	answers, ok := z[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(answers) == 0 {
		return nil, errors.New("server misbehaving")
	}
	var all []netip.Addr
	for _, answer := range answers {
		all = append(all, netip.MustParseAddr(answer))
	}
	return all, nil
}

func TestLeads(t *testing.T) {
	const host, balancer = "api.example.com", "k8s-api.eu-central-1.elb.amazonaws.com"
	machine, alb := Destination{Address: "198.51.100.7"}, Destination{Address: balancer}
	for _, one := range []struct {
		name    string
		to      Destination
		dns     zone
		message string
	}{
		{"here", machine, zone{host: {"198.51.100.7"}}, ""},
		{"mapped", machine, zone{host: {"::ffff:198.51.100.7"}}, ""},
		{"nowhere", machine, zone{}, "api.example.com is not in DNS: make an A record with 198.51.100.7"},
		{"elsewhere", machine, zone{host: {"203.0.113.9"}}, "api.example.com resolves to 203.0.113.9, not to 198.51.100.7: make an A record with 198.51.100.7"},
		{"here and elsewhere", machine, zone{host: {"203.0.113.9", "198.51.100.7"}}, "api.example.com also resolves to 203.0.113.9, which is not this service: remove those records"},
		{"IPv6 elsewhere", machine, zone{host: {"198.51.100.7", "2001:db8::1"}}, "api.example.com also resolves to 2001:db8::1, which is not this service: remove its AAAA record"},
		{"only IPv6", machine, zone{host: {"2001:db8::1"}}, "api.example.com resolves to 2001:db8::1, which is not this service: remove its AAAA record, and make an A record"},
		{"unknown", machine, zone{host: {}}, "this computer cannot resolve api.example.com: server misbehaving"},
		{"just made", Destination{Address: "198.51.100.7", ManagedRecords: true}, zone{}, "; this update has made the records"},
		{"balancer", alb, zone{host: {"198.51.100.7", "198.51.100.8"}, balancer: {"198.51.100.7", "198.51.100.9"}}, ""},
		{"not the balancer", alb, zone{host: {"203.0.113.9"}, balancer: {"198.51.100.7"}}, "make a CNAME record (at the top of a zone, an alias) to " + balancer},
		{"no balancer", alb, zone{host: {"203.0.113.9"}}, "cannot resolve the load balancer's name"},
	} {
		t.Run(one.name, func(t *testing.T) {
			says := one.to.Mismatch(t.Context(), one.dns, []string{host})
			if one.message == "" {
				assert.Empty(t, says)
				return
			}
			assert.Contains(t, says, one.message)
		})
	}
}

func TestParseOwn(t *testing.T) {
	a := newAuthority(t)
	names := []string{"api.example.com"}
	certificate, key := a.pair(noon.AddDate(0, -1, 0), noon.AddDate(0, 1, 0), names...)
	_, other := a.pair(noon.AddDate(0, -1, 0), noon.AddDate(0, 1, 0), names...)
	full := string(certificate) + string(a.pem()) + string(key)
	own, err := ParseOwnCertificate(full, names, noon)
	require.NoError(t, err)
	assert.Equal(t, OwnCertificate{Leaf: string(certificate), Chain: string(a.pem()), Key: string(key)}, own)
	assert.Equal(t, string(certificate)+string(a.pem()), own.Full())

	for says, text := range map[string]string{
		"has no certificate in PEM":                       string(key),
		"has no private key in PEM":                       string(certificate),
		"has two private keys":                            full + string(other),
		"cannot be used: tls: private key":                string(certificate) + string(other),
		"is for api.example.com, not for www.example.com": full,
		`has a "ENCRYPTED PRIVATE KEY"`:                   "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n" + full,
	} {
		asks := names
		if strings.Contains(says, "www") {
			asks = []string{names[0], "www.example.com"}
		}
		_, err := ParseOwnCertificate(text, asks, noon)
		require.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "BEGIN EC")
	}
	_, err = ParseOwnCertificate(full, names, noon.AddDate(0, 2, 0))
	require.ErrorContains(t, err, "has expired on 2026-12-26")
}
