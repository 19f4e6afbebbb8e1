package acme

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/certificate"
	"escala/service"
)

func account(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// TestThumbprintIsTheLibrarys checks that Thumbprint returns the library's value,
// because Nginx, and not the library, answers the challenges.
func TestThumbprintIsTheLibrarys(t *testing.T) {
	t.Parallel()
	key := account(t)
	got, err := certificate.Thumbprint(&key.PublicKey)
	require.NoError(t, err)
	want, err := (&acme.Account{PrivateKey: key}).Thumbprint()
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// authority returns a client whose authority gives the same answer to every request
// after the directory.
func authority(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("/dir", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"newNonce": "%[1]s/nonce", "newAccount": "%[1]s/account", "newOrder": "%[1]s/order"}`, s.URL)
	})
	mux.HandleFunc("/nonce", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Replay-Nonce", "nonce") })
	mux.HandleFunc("/", answer)
	c, err := New(certificate.Settings{Mode: service.TLSACME, Directory: s.URL + "/dir", Email: "ops@example.com"}, account(t))
	require.NoError(t, err)
	return c
}

func problem(w http.ResponseWriter, status int, kind, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type": "urn:ietf:params:acme:error:%s", "status": %d, "detail": %q}`, kind, status, detail)
}

func TestRefusalKeepsTheAuthoritysWords(t *testing.T) {
	t.Parallel()
	c := authority(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		problem(w, http.StatusTooManyRequests, "rateLimited", "too many certificates already issued")
	})
	_, err := c.Order(t.Context(), "api.example.com", account(t), nil)
	var refusal *certificate.Refusal
	require.ErrorAs(t, err, &refusal)
	assert.Equal(t, "the authority 127.0.0.1 refuses: too many certificates already issued", err.Error())
	assert.Equal(t, 2*time.Hour, refusal.Wait)
}

func TestSilenceIsNoRefusal(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"it fails": func(w http.ResponseWriter, _ *http.Request) {
			problem(w, http.StatusInternalServerError, "serverInternal", "down for maintenance")
		},
		"another server": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"no end": func(w http.ResponseWriter, _ *http.Request) {
			for range 3 << 10 {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := authority(t, answer).Order(t.Context(), "api.example.com", account(t), nil)
			var refusal *certificate.Refusal
			require.Error(t, err)
			assert.NotErrorAs(t, err, &refusal)
			assert.True(t, strings.HasPrefix(err.Error(), "the authority 127.0.0.1 "), err.Error())
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "nonsense": 0, "-5": 0, "90": 90 * time.Second, "99999999": maxWait,
		"Thu, 26 Nov 2026 13:00:00 GMT": time.Hour, "Thu, 26 Nov 2026 11:00:00 GMT": 0, "Thu, 26 Nov 2099 11:00:00 GMT": maxWait,
	} {
		assert.Equal(t, want, retryAfter(header, now), header)
	}
}

func TestRootsMustBeCertificates(t *testing.T) {
	t.Parallel()
	_, err := New(certificate.Settings{Roots: "nonsense"}, account(t))
	require.ErrorContains(t, err, "service.tls.authorityCA")
}

func TestReachSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	const thumbprint = "thumbprint"
	mine := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.TrimPrefix(r.URL.Path, certificate.ChallengePath)+"."+thumbprint)
	}
	found := func(context.Context, string) ([]string, error) { return []string{"198.51.100.7", "2001:db8::7"}, nil }
	for name, tt := range map[string]struct {
		subject string
		lookup  func(context.Context, string) ([]string, error)
		answer  http.HandlerFunc // nil: nothing listens
		want    string
	}{
		"here":       {"api.example.com", found, mine, ""},
		"an address": {"192.0.2.1", nil, mine, ""},
		"no record": {"api.example.com", func(context.Context, string) ([]string, error) {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		}, mine, "api.example.com has no address yet: its DNS record is missing"},
		"no resolver": {"api.example.com", func(context.Context, string) ([]string, error) {
			return nil, errors.New("i/o timeout")
		}, mine, "api.example.com cannot be resolved: i/o timeout"},
		"elsewhere": {"api.example.com", found, http.NotFound, "api.example.com resolves to 198.51.100.7, 2001:db8::7, which is not a machine of this stack (it answers a challenge with status 404)"},
		"a redirect": {"api.example.com", found, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://api.example.com/", http.StatusMovedPermanently)
		}, "api.example.com resolves to 198.51.100.7, 2001:db8::7, which is not a machine of this stack (it answers a challenge with status 301)"},
		"another stack": {"api.example.com", found, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.TrimPrefix(r.URL.Path, certificate.ChallengePath)+".other")
		}, "which is not a machine of this stack"},
		"nothing": {"api.example.com", found, nil, "api.example.com resolves to 198.51.100.7, 2001:db8::7, which does not answer on port 80: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(tt.answer)
			t.Cleanup(s.Close)
			if tt.answer == nil {
				s.Close()
			}
			dialed := ""
			r := Reacher{Lookup: tt.lookup, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				dialed = address
				var d net.Dialer
				return d.DialContext(ctx, network, s.Listener.Addr().String())
			}}
			err := r.Reach(t.Context(), tt.subject, thumbprint)
			if tt.want == "" {
				require.NoError(t, err)
				assert.Equal(t, net.JoinHostPort(tt.subject, "80"), dialed)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}
