package service

import (
	"fmt"
	"net/netip"
)

// Metrics selects the clients that may read the workers' metrics from outside, at
// MetricsPath. All other clients get 404. If both fields are empty, only clients
// that connect to a worker directly can read the metrics.
type Metrics struct {
	// Allow lists the addresses and networks of the scrapers. On a machine, Nginx
	// compares them with the client's address: that of the connection or, if the
	// connection comes from one of TrustedProxies, the last address in
	// X-Forwarded-For that is not a trusted proxy. On a cluster, the network
	// policy compares them with the connection's address. Default none.
	Allow []string `config:"allow"`
	// Namespaces lists the namespaces of the cluster whose pods may scrape.
	// Machines do not use it. Default none.
	Namespaces []string `config:"namespaces"`
}

// MetricsPort is the port of a pod's metrics if Metrics names scrapers. The
// metrics must then not be on the public port. The number is the default port of
// OpenTelemetry's Prometheus exporter
// (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
const MetricsPort = 9464

// Named reports whether Metrics names any scrapers.
func (m Metrics) Named() bool { return len(m.Allow) > 0 || len(m.Namespaces) > 0 }

// widest is the length of the shortest allowed prefix of a scraper's network, in
// bits: 8 for IPv4, and 7 for IPv6, because fc00::/7 are its private addresses.
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

// CheckMachineMetrics reports the settings of Metrics that a machine cannot
// implement.
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
