package https

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Resolver looks names up. *net.Resolver implements it.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// resolveTimeout is the time limit for the lookup of one name.
const resolveTimeout = 5 * time.Second

// Destination is where a service's names should lead.
type Destination struct {
	// Address is the stable IP address, or the host name of a load balancer.
	Address string
	// ManagedRecords means that the stack itself makes the records.
	ManagedRecords bool
}

// Mismatch returns "" if all names lead to the destination and nowhere else, and
// otherwise what is missing and what to do. A nil resolver is this computer's.
func (d Destination) Mismatch(ctx context.Context, resolver Resolver, names []string) string {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	wanted, err := d.addresses(ctx, resolver)
	if err != nil {
		return fmt.Sprintf("this computer cannot resolve the load balancer's name %s: %s", d.Address, err)
	}
	var missing []string
	for _, name := range names {
		if text := d.mismatch(ctx, resolver, name, wanted); text != "" {
			missing = append(missing, text)
		}
	}
	if len(missing) > 0 && d.ManagedRecords {
		missing = append(missing, "this update has made the records: a resolver that asked before may take minutes to see them")
	}
	return strings.Join(missing, "; ")
}

func (d Destination) addresses(ctx context.Context, resolver Resolver) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(d.Address); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	return resolve(ctx, resolver, d.Address)
}

func (d Destination) mismatch(ctx context.Context, resolver Resolver, name string, wanted []netip.Addr) string {
	found, err := resolve(ctx, resolver, name)
	if missing := new(net.DNSError); errors.As(err, &missing) && missing.IsNotFound {
		return fmt.Sprintf("%s is not in DNS: make %s", name, d.record())
	}
	if err != nil {
		return fmt.Sprintf("this computer cannot resolve %s: %s", name, err)
	}
	var here bool
	var v4, v6 []string
	for _, ip := range found {
		switch {
		case slices.Contains(wanted, ip):
			here = true
		case ip.Is4():
			v4 = append(v4, ip.String())
		default:
			v6 = append(v6, ip.String())
		}
	}
	if _, err := netip.ParseAddr(d.Address); err != nil && here {
		// A load balancer's addresses change while it grows, so two lookups may
		// differ.
		v4 = nil
	}
	others := slices.Concat(v4, v6)
	switch {
	case len(others) == 0:
		return ""
	case !here && len(v4) > 0:
		return fmt.Sprintf("%s resolves to %s, not to %s: make %s", name, strings.Join(others, ", "), d.Address, d.record())
	case !here:
		return fmt.Sprintf("%s resolves to %s, which is not this service: remove its AAAA record, and make %s", name, strings.Join(others, ", "), d.record())
	case len(v4) == 0:
		return fmt.Sprintf("%s also resolves to %s, which is not this service: remove its AAAA record", name, strings.Join(others, ", "))
	default:
		return fmt.Sprintf("%s also resolves to %s, which is not this service: remove those records", name, strings.Join(others, ", "))
	}
}

// record describes the record that leads to the destination.
func (d Destination) record() string {
	if _, err := netip.ParseAddr(d.Address); err == nil {
		return "an A record with " + d.Address
	}
	return "a CNAME record (at the top of a zone, an alias) to " + d.Address
}

// resolve returns the addresses of a name, sorted.
func resolve(ctx context.Context, resolver Resolver, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := resolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	slices.SortFunc(found, netip.Addr.Compare)
	return slices.Compact(found), nil
}
