package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"escala/infra/deploy/https"
)

// resolveTimeout is the time limit for the lookup of one name.
const resolveTimeout = 5 * time.Second

// nameMismatches returns "" if all names lead to this computer and nowhere else, and
// otherwise what is missing and what to do. A client of a name that leads elsewhere
// would reach another service, perhaps the one in production. Names below
// "localhost" lead here without a record (RFC 6761, section 6.3).
func nameMismatches(ctx context.Context, resolver https.Resolver, names []string) string {
	var missing []string
	for _, name := range names {
		if name == "localhost" || strings.HasSuffix(name, ".localhost") {
			continue
		}
		if why := nameMismatch(ctx, resolver, name); why != "" {
			missing = append(missing, fmt.Sprintf("%s %s: add %q to this computer's hosts file, or take a name below localhost", name, why, "127.0.0.1 "+name))
		}
	}
	return strings.Join(missing, "; ")
}

// nameMismatch describes where a name leads, or returns "" if it leads only to this
// computer.
func nameMismatch(ctx context.Context, resolver https.Resolver, name string) string {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := resolver.LookupNetIP(ctx, "ip", name)
	if missing := new(net.DNSError); errors.As(err, &missing) && missing.IsNotFound {
		return "is not in DNS"
	}
	if err != nil {
		return fmt.Sprintf("cannot be resolved (%s)", err)
	}
	var others []string
	for _, ip := range found {
		// The address listens on 127.0.0.1; a client may try [::1] before it.
		if ip = ip.Unmap(); ip != netip.AddrFrom4([4]byte{127, 0, 0, 1}) && ip != netip.IPv6Loopback() {
			others = append(others, ip.String())
		}
	}
	if len(others) == 0 {
		return ""
	}
	return "resolves to " + strings.Join(others, ", ") + ", which is not this computer"
}
