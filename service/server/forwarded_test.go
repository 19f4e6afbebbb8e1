package server

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
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

func TestUntrustedPeersCannotSpeakForOthers(t *testing.T) {
	t.Parallel()
	for _, trusted := range []bool{true, false} {
		r := &http.Request{RemoteAddr: "192.0.2.1:5", Header: http.Header{}}
		for _, name := range spoofable {
			r.Header.Set(name, "203.0.113.7")
		}
		forwarded(r, &conn{trusted: trusted, set: newConns(nil, nil)})
		if trusted {
			assert.Equal(t, "203.0.113.7:0", r.RemoteAddr)
			assert.Len(t, r.Header, len(spoofable))
			continue
		}
		assert.Equal(t, "192.0.2.1:5", r.RemoteAddr)
		assert.Empty(t, r.Header)
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
		// What the sender puts in front can never change what a trusted proxy
		// appended.
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
