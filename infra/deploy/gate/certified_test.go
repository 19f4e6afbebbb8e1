package gate

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

	"escala/service/machine"
)

// secured starts a machine that serves the wanted release, and HTTPS for
// example.com, the name in httptest's own certificate.
func secured(t *testing.T, status machine.Status) (endpoint string, port string, ca []byte) {
	t.Helper()
	plain := httptest.NewServer(&endpointOf{status})
	t.Cleanup(plain.Close)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	return plain.URL, port, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

type endpointOf struct{ status machine.Status }

func (e *endpointOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(&endpoint{statuses: []machine.Status{e.status}, health: healthy(wanted)}).ServeHTTP(w, r)
}

func serving(c *machine.Certificate) machine.Status {
	return machine.Status{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted, wanted), Certificate: c}
}

// TestMachineKeepsHTTPS checks that a machine does not pass without the
// certificates that the stack has.
func TestMachineKeepsHTTPS(t *testing.T) {
	at, port, ca := secured(t, serving(&machine.Certificate{Error: "urn:ietf:params:acme:error:rateLimited: too many certificates", Next: 1795000000}))
	g := Gate{URL: at, HealthPath: "/health", Timeout: time.Minute, Poll: 10 * time.Millisecond, httpsPort: port}
	require.NoError(t, g.Wait(t.Context(), Want{Release: wanted, Workers: 2}), "no HTTPS is asked for")
	g.Names, g.CA = []string{"example.com"}, ca
	require.NoError(t, g.Wait(t.Context(), Want{Release: wanted, Workers: 2}))
	g.CA, g.Timeout = nil, 3*time.Second
	err := g.Wait(t.Context(), Want{Release: wanted, Workers: 2})
	require.ErrorContains(t, err, "the stack has HTTPS, and this machine would take it away: example.com: the certificate is issued by")
	require.ErrorContains(t, err, "the machine reports: urn:ietf:params:acme:error:rateLimited: too many certificates, and tries again at")
}

// here is a resolver that returns one address for every name.
type here string

func (h here) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	if h == "" {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr(string(h))}, nil
}

// TestCertifiedSaysWhatIsMissing checks the messages of the update, and that it
// waits only if waiting can help.
func TestCertifiedSaysWhatIsMissing(t *testing.T) {
	later := time.Now().Add(time.Hour).Unix()
	for _, one := range []struct {
		name    string
		status  machine.Status
		dns     here
		trusted bool
		names   []string
		waits   bool
		message []string
	}{
		{"serving", serving(nil), "127.0.0.1", true, []string{"example.com"}, false, nil},
		{"the address itself", serving(nil), "", true, nil, false, nil},
		{"no record", serving(nil), "", true, []string{"example.com"}, false, []string{
			"example.com is not in DNS: make an A record with 127.0.0.1", "; the service serves http://127.0.0.1:",
		}},
		{"elsewhere", serving(nil), "203.0.113.9", true, []string{"example.com"}, false, []string{"example.com resolves to 203.0.113.9, not to 127.0.0.1: make an A record with 127.0.0.1"}},
		{"not yet", serving(&machine.Certificate{}), "127.0.0.1", false, []string{"example.com"}, true, []string{"which this computer does not trust"}},
		{"refused by the authority", serving(&machine.Certificate{Error: "rateLimited", Next: later}), "127.0.0.1", false, []string{"example.com"}, false, []string{
			"; the machine reports: rateLimited, and tries again at", "meanwhile",
		}},
	} {
		t.Run(one.name, func(t *testing.T) {
			at, port, ca := secured(t, one.status)
			if !one.trusted {
				ca = nil
			}
			began := time.Now()
			reports := 0
			w := waiter{
				HTTPS:  HTTPS{Names: one.names, CA: ca, Port: port},
				stable: at, maxWait: 300 * time.Millisecond, poll: 10 * time.Millisecond,
				report: func(string) { reports++ }, resolver: one.dns,
			}
			missing := w.wait(t.Context())
			if one.message == nil {
				assert.Empty(t, missing)
				return
			}
			for _, says := range one.message {
				assert.Contains(t, missing, says)
			}
			assert.Equal(t, 1, reports, "each change is reported once")
			assert.Equal(t, one.waits, time.Since(began) >= w.maxWait)
		})
	}
}

func TestAtPort(t *testing.T) {
	for endpoint, want := range map[string]string{
		"http://198.51.100.7": "198.51.100.7:443", "http://[2001:db8::1]": "[2001:db8::1]:443", "http://127.0.0.1:8080": "127.0.0.1:443",
	} {
		assert.Equal(t, want, atPort(endpoint, ""))
	}
}
