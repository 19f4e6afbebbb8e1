package local

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

// zone is a resolver with fixed answers; a name without any cannot be resolved.
type zone map[string][]string

func (z zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	answers, ok := z[host]
	switch {
	case !ok:
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	case len(answers) == 0:
		return nil, errors.New("server misbehaving")
	}
	var all []netip.Addr
	for _, answer := range answers {
		all = append(all, netip.MustParseAddr(answer))
	}
	return all, nil
}

func TestLeadsHere(t *testing.T) {
	t.Parallel()
	const name = "api.example.com"
	const todo = `: add "127.0.0.1 api.example.com" to this computer's hosts file, or take a name below localhost`
	for title, test := range map[string]struct {
		names []string
		dns   zone
		want  string
	}{
		"below localhost":   {[]string{"api.localhost", "localhost"}, nil, ""},
		"in the hosts file": {[]string{name}, zone{name: {"127.0.0.1"}}, ""},
		"mapped, and IPv6":  {[]string{name}, zone{name: {"::ffff:127.0.0.1", "::1"}}, ""},
		"nowhere":           {[]string{name}, zone{}, name + " is not in DNS" + todo},
		"production":        {[]string{name}, zone{name: {"198.51.100.7"}}, name + " resolves to 198.51.100.7, which is not this computer" + todo},
		"here and there":    {[]string{name}, zone{name: {"127.0.0.1", "2001:db8::1"}}, name + " resolves to 2001:db8::1, which is not this computer" + todo},
		"another loopback":  {[]string{name}, zone{name: {"127.0.1.1"}}, name + " resolves to 127.0.1.1, which is not this computer" + todo},
		"no resolver":       {[]string{name}, zone{name: nil}, name + " cannot be resolved (server misbehaving)" + todo},
		"one of two":        {[]string{"api.localhost", name}, zone{}, name + " is not in DNS" + todo},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, nameMismatches(t.Context(), test.dns, test.names))
		})
	}
}
