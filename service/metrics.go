package service

import (
	"fmt"
	"net/netip"
)

// Metrics says who may read the workers' metrics from outside, at MetricsPath.
// Everybody else, and so the public, gets 404. Without both fields, the metrics are
// for those who reach a worker itself.
type Metrics struct {
	// Allow are the addresses and networks of the scrapers. On a machine they are
	// compared with the client's address as Nginx knows it: that of the connection,
	// or, if that is one of TrustedProxies, the last address in X-Forwarded-For that
	// is none. On a cluster they are compared with the connection's address by the
	// network policy. Default none.
	Allow []string `config:"allow"`
	// Namespaces are the cluster's namespaces whose pods may scrape. Machines do not
	// use it. Default none.
	Namespaces []string `config:"namespaces"`
}

// MetricsPort is the port of a pod's metrics, if they are for named scrapers: they
// must not be on the port that the public reaches. It is the default port of
// OpenTelemetry's Prometheus exporter
// (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
const MetricsPort = 9464

// Named reports whether scrapers are named.
func (m Metrics) Named() bool { return len(m.Allow) > 0 || len(m.Namespaces) > 0 }

// widest is the shortest prefix of a network of scrapers, in bits: a /8 of IPv4, and
// for IPv6 fc00::/7, the private addresses.
func widest(a netip.Addr) int {
	if a.Is4() {
		return 8
	}
	return 7
}

func (m Metrics) check(v *Violations) {
	for i, one := range m.Allow {
		path := fmt.Sprintf("metrics.allow[%d]", i)
		network, ok := ParseNetwork(one)
		switch {
		case !ok:
			v.Add(path, "%q is neither an address nor a network; for example \"203.0.113.7\" or \"2001:db8::/48\"", one)
		case network.Addr().Is4In6():
			v.Add(path, "%q is an IPv4 address in IPv6's form; write it as IPv4", one)
		case network.Bits() < widest(network.Addr()):
			v.Add(path, "%q is wider than /%d: metrics are for scrapers and never for the public; for example \"203.0.113.7\"", one, widest(network.Addr()))
		case hostBits(one):
			v.Add(path, "%q has bits set after its /%d; did you mean %q?", one, network.Bits(), network)
		}
	}
	for i, one := range m.Namespaces {
		if !namespaceName.MatchString(one) {
			v.Add(fmt.Sprintf("metrics.namespaces[%d]", i), "%q is not the name of a namespace; for example \"monitoring\"", one)
		}
	}
}

func hostBits(network string) bool {
	p, err := netip.ParsePrefix(network)
	return err == nil && p != p.Masked()
}

// CheckMachineMetrics reports what a machine cannot fulfil of Metrics.
func (s Spec) CheckMachineMetrics(v *Violations) {
	for i, one := range s.Metrics.Allow {
		network, ok := ParseNetwork(one)
		if !ok {
			continue
		}
		for _, proxy := range s.TrustedProxies {
			if p, ok := ParseNetwork(proxy); ok && p.Overlaps(network) {
				v.Add(fmt.Sprintf("metrics.allow[%d]", i), "%q and the trusted proxies %q overlap: a proxy's address stands for each client that it does not name, and that may be anybody; name the scraper's own address", one, proxy)
			}
		}
	}
	if len(s.Metrics.Namespaces) > 0 && len(s.Metrics.Allow) == 0 {
		v.Add("metrics.namespaces", "is for clusters; a machine's scrapers are named by metrics.allow")
	}
}
