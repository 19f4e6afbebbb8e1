package rollout

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/deploy/https"
)

// leads is a resolver that knows only example.com, the name in httptest's own
// certificate.
type leads []string

func (l leads) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if host != "example.com" || len(l) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var all []netip.Addr
	for _, ip := range l {
		all = append(all, netip.MustParseAddr(ip))
	}
	return all, nil
}

// TestIssuedCertificate checks that a missing certificate, and a name that does not
// lead here, are reported and are no error of the release.
func TestIssuedCertificate(t *testing.T) {
	c := running(t)
	apply(t, c, deploymentOf("api", wanted))
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Release", "binary-aaaa") }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for _, one := range []struct {
		name    string
		host    string
		dns     leads
		ca      []byte
		missing string
	}{
		{"serving", "example.com", leads{"127.0.0.1"}, trusted, ""},
		{"no record", "example.com", nil, trusted, "example.com is not in DNS: make an A record with 127.0.0.1"},
		{"elsewhere", "example.com", leads{"203.0.113.9"}, trusted, "example.com resolves to 203.0.113.9, not to 127.0.0.1"},
		{"the controller's own certificate", "example.com", leads{"127.0.0.1"}, nil, "which this computer does not trust"},
	} {
		t.Run(one.name, func(t *testing.T) {
			r := rolloutOf(c)
			r.URL, r.dialPort, r.Scheme, r.Issued = "", port, "https", true
			r.Host, r.Names, r.CA, r.resolver = one.host, []string{one.host}, one.ca, one.dns
			r.maxWait = 20 * time.Millisecond
			r.Timeout = 10 * time.Second
			served, err := r.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "https://example.com", served.URL)
			assert.Equal(t, "127.0.0.1", served.Address)
			if one.missing == "" {
				assert.Equal(t, https.Serving, served.HTTPS)
				assert.Empty(t, served.Missing)
				return
			}
			assert.Contains(t, served.Missing, one.missing)
			assert.Equal(t, https.Waiting+served.Missing, served.HTTPS)
		})
	}
	// An untrusted certificate is an error if the certificate must exist before the
	// release.
	r := rolloutOf(c)
	r.URL, r.dialPort, r.Scheme = "", port, "https"
	r.Host, r.Names, r.resolver = "example.com", []string{"example.com"}, leads{"127.0.0.1"}
	_, err = r.Wait(t.Context())
	require.ErrorContains(t, err, "certificate")
}

// TestCertificateIsAwaited checks that the wait for the certificate of a name that
// leads here ends when the update ends.
func TestCertificateIsAwaited(t *testing.T) {
	c := running(t)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	r := rolloutOf(c)
	r.dialPort, r.Scheme, r.Issued, r.Names = port, "https", true, []string{"example.com"}
	r.maxWait, r.resolver, r.URL = time.Minute, leads{"127.0.0.1"}, ""
	ctx, cancel := context.WithCancel(t.Context())
	r.Report = func(string) { cancel() }
	served := r.certified(ctx, Served{Address: "127.0.0.1"})
	assert.Contains(t, served.HTTPS, https.Waiting, "the update is cancelled while it waits")
}

// TestCertManager checks what a cluster must have for an issued certificate.
func TestCertManager(t *testing.T) {
	answers := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	kubeconfig := `{"apiVersion":"v1","kind":"Config","clusters":[{"name":"a","cluster":{"server":"` + server.URL + `"}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"users":[{"name":"a"}],"current-context":"a"}`
	require.ErrorContains(t, CertManager(t.Context(), kubeconfig, ""), "the cluster has no cert-manager")
	const api = "/apis/cert-manager.io/v1"
	answers[api] = `{"resources":[{"name":"issuers"}]}`
	require.NoError(t, CertManager(t.Context(), kubeconfig, ""))
	require.ErrorContains(t, CertManager(t.Context(), kubeconfig, "le"), `no ClusterIssuer "le"`)
	answers[api+"/clusterissuers/le"] = `{}`
	require.ErrorContains(t, CertManager(t.Context(), kubeconfig, "le"), "has not looked at it yet")
	answers[api+"/clusterissuers/le"] = `{"status":{"conditions":[{"type":"Ready","status":"False","message":"invalid contact"}]}}`
	require.ErrorContains(t, CertManager(t.Context(), kubeconfig, "le"), "ClusterIssuer le is not ready: invalid contact")
	answers[api+"/clusterissuers/le"] = `{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`
	require.NoError(t, CertManager(t.Context(), kubeconfig, "le"))
}
