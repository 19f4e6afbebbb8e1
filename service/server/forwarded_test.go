package server

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"escala/service"
	"escala/service/config"
)

func TestClientIP(t *testing.T) {
	t.Parallel()
	proxies := trust{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"one", []string{"203.0.113.7"}, "203.0.113.7"},
		{"what the client made up is before it", []string{"6.6.6.6, 203.0.113.7"}, "203.0.113.7"},
		{"trusted proxies are behind it", []string{"6.6.6.6, 203.0.113.7, 10.1.1.1, 127.0.0.1"}, "203.0.113.7"},
		{"several lines", []string{"6.6.6.6", "203.0.113.7", "10.1.1.1"}, "203.0.113.7"},
		{"with ports", []string{"203.0.113.7:1234, [2001:db8::1]:80"}, "203.0.113.7"},
		{"IPv6", []string{"2001:db9::5, 2001:db8::1"}, "2001:db9::5"},
		{"IPv4 in IPv6", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"only proxies", []string{"10.0.0.9, 10.1.1.1"}, "10.0.0.9"},
		{"nonsense before proxies", []string{"unknown, 10.1.1.1"}, "10.1.1.1"},
		{"nonsense", []string{"unknown"}, ""},
		{"empty", []string{""}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ip, ok := clientIP(tt.lines, proxies)
			assert.Equal(t, tt.want != "", ok)
			if ok {
				assert.Equal(t, tt.want, ip.String())
			}
		})
	}
}

func TestOnlyWhatTrustedProxiesSetIsBelieved(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		trusted  bool
		believed []string
		want     []string
		client   string
	}{
		{"a stranger", false, service.MachineClaims, nil, "192.0.2.1:5"},
		{"Nginx on the machine", true, service.MachineClaims, service.MachineClaims, "203.0.113.7:0"},
		{"an Ingress", true, service.IngressClaims, service.IngressClaims, "203.0.113.7:0"},
		{"nothing is believed", true, []string{}, nil, "192.0.2.1:5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{RemoteAddr: "192.0.2.1:5", Header: http.Header{"Accept": {"*/*"}}}
			for _, name := range service.ClientClaims {
				r.Header.Set(name, "203.0.113.7")
			}
			forwarded(r, &conn{trusted: tt.trusted, set: newConns(nil, config.HTTP{}, time.Now())}, tt.believed)
			assert.Equal(t, tt.client, r.RemoteAddr)
			var left []string
			for _, name := range service.ClientClaims {
				if r.Header.Get(name) != "" {
					left = append(left, name)
				}
			}
			assert.ElementsMatch(t, tt.want, left)
			assert.Equal(t, "*/*", r.Header.Get("Accept"), "what says nothing about the client stays")
		})
	}
}

func TestClientClaimsAreInCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, name := range service.ClientClaims {
		assert.Equal(t, http.CanonicalHeaderKey(name), name)
	}
	for _, set := range [][]string{service.MachineClaims, service.IngressClaims} {
		assert.Subset(t, service.ClientClaims, set)
	}
}

func FuzzClientIP(f *testing.F) {
	f.Add("203.0.113.7, 10.0.0.1")
	f.Add("[::1]:80,,\t unknown")
	f.Add(strings.Repeat("10.0.0.1,", 100))
	proxies := trust{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, s string) {
		ip, ok := clientIP([]string{s}, proxies)
		if ok != ip.IsValid() {
			t.Fatalf("%q: %v, %v", s, ip, ok)
		}
		// Addresses in front of those that a trusted proxy appended must not
		// change the result.
		again, ok := clientIP([]string{s + ", 203.0.113.7, 10.0.0.1"}, proxies)
		if !ok || again.String() != "203.0.113.7" {
			t.Fatalf("%q hides the client: %v", s, again)
		}
	})
}

func FuzzRequestID(f *testing.F) {
	f.Add("abc-1")
	f.Add("a\r\nSet-Cookie: x")
	f.Fuzz(func(t *testing.T, s string) {
		if validID(s) && strings.ContainsAny(s, "\r\n :\x00") {
			t.Fatalf("%q would split the response", s)
		}
	})
}
