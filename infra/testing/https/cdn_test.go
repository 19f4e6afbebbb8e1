package https

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// These are loopback addresses, one for each party.
const (
	cdnAddress      = "127.0.0.9"
	clientAddress   = "127.0.0.5"
	strangerAddress = "127.0.0.7"
)

// from returns a transport that connects from one address to another, and ignores
// the URL's host.
func from(address, to string, config *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
			return d.DialContext(ctx, network, to)
		},
		TLSClientConfig:   config,
		ForceAttemptHTTP2: true,
	}
}

// cdn is a proxy in front of a machine. It forwards the headers of a client and
// adds the client's address, as net/http/httputil's ReverseProxy does.
type cdn struct{ http, https *httptest.Server }

// newCDN starts a CDN that fetches from an origin.
func newCDN(t *testing.T, origin string, transport http.RoundTripper) cdn {
	t.Helper()
	to, err := url.Parse(origin)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
			r.Out.Header["Forwarded"] = r.In.Header["Forwarded"]
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, err.Error())
		},
	}
	c := cdn{http: httptest.NewServer(proxy), https: httptest.NewUnstartedServer(proxy)}
	c.https.EnableHTTP2 = true
	c.https.StartTLS()
	t.Cleanup(c.http.Close)
	t.Cleanup(c.https.Close)
	return c
}

// claimed sends a request with forged headers and returns what the worker saw of
// it.
func claimed(t *testing.T, transport *http.Transport, target string) received {
	t.Helper()
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{
		Transport: transport, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	require.NoError(t, err)
	for _, claim := range service.ClientClaims {
		req.Header.Set(claim, "6.6.6.6")
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	a := received{ProtoMajor: resp.ProtoMajor, StatusCode: resp.StatusCode, Header: resp.Header}
	if resp.StatusCode == http.StatusOK {
		require.NoError(t, json.Unmarshal(body, &a.seen), "%s", body)
	}
	return a
}

// seen is the part of a request that a worker reports.
type seen struct {
	Host   string
	Claims map[string]string
}

// received is a client's answer, with the worker's report.
type received struct {
	ProtoMajor, StatusCode int
	Header                 http.Header
	seen
}

// TestBehindACDN checks a machine with HTTPS behind a CDN. The authority validates
// the machine's certificate through the CDN.
func TestBehindACDN(t *testing.T) {
	t.Parallel()
	described := spec(name)
	described.TrustedProxies = []string{cdnAddress + "/32"}
	s := newStack(t, time.Hour)
	b := newBox(t, "one", s.machine(described), s.shared)
	trusting := s.trusting()
	trusting.ServerName = name
	byHTTPS := newCDN(t, "https://"+name, from(cdnAddress, b.https, trusting))
	byHTTP := newCDN(t, "http://"+name, from(cdnAddress, b.http, nil))
	s.http.pointTo(byHTTP.http.Listener.Addr().String()) // the authority connects to this address
	s.https.pointTo(b.https)
	b.startNginx()
	b.startAgent()
	s.certified(b, name)

	address := func(server *httptest.Server) string { return server.Listener.Addr().String() }
	strict := byHTTPS.https.Client().Transport.(*http.Transport).TLSClientConfig
	strict = strict.Clone()
	strict.ServerName = "example.com" // httptest's certificate
	believed := func(t *testing.T, got received, client, scheme string) {
		t.Helper()
		require.Equal(t, http.StatusOK, got.StatusCode)
		assert.Equal(t, name, got.Host)
		for claim, value := range got.Claims {
			switch claim {
			case "X-Real-Ip", "X-Forwarded-For":
				assert.Equal(t, client, value, claim)
			case "X-Forwarded-Proto":
				assert.Equal(t, scheme, value, claim)
			case "X-Forwarded-Host":
				assert.Equal(t, name, value, claim)
			case "X-Request-Id":
				assert.NotContains(t, value, "6.6.6.6", claim)
			default:
				t.Errorf("%s: %s reaches the worker", claim, value)
			}
		}
		for _, claim := range []string{"X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-Id"} {
			assert.NotEmpty(t, got.Claims[claim], claim)
		}
	}
	t.Run("it fetches by HTTPS for a client of HTTPS", func(t *testing.T) {
		got := claimed(t, from(clientAddress, address(byHTTPS.https), strict), "https://"+name+"/seen")
		assert.Equal(t, 2, got.ProtoMajor)
		believed(t, got, clientAddress, "https")
	})
	t.Run("it fetches by HTTP for a client of HTTPS", func(t *testing.T) {
		got := claimed(t, from(clientAddress, address(byHTTP.https), strict), "https://"+name+"/seen")
		believed(t, got, clientAddress, "https")
	})
	for by, server := range map[string]*httptest.Server{"HTTPS": byHTTPS.http, "HTTP": byHTTP.http} {
		t.Run("a client of HTTP is redirected through a CDN that fetches by "+by, func(t *testing.T) {
			got := claimed(t, from(clientAddress, address(server), nil), "http://"+name+"/seen?a=b")
			assert.Equal(t, http.StatusPermanentRedirect, got.StatusCode)
			assert.Equal(t, "https://"+name+"/seen?a=b", got.Header.Get("Location"))
		})
	}
	t.Run("who comes past it is believed nothing", func(t *testing.T) {
		got := claimed(t, from(strangerAddress, b.https, trusting), "https://"+name+"/seen")
		believed(t, got, strangerAddress, "https")
		got = claimed(t, from(strangerAddress, b.http, nil), "http://"+name+"/seen")
		assert.Equal(t, http.StatusPermanentRedirect, got.StatusCode)
	})
}
