package loadgen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
)

// target is the resolved address of the service. It is resolved once, so that
// no DNS lookup is measured and the name cannot lead to another address later.
type target struct {
	address string // ip:port
	host    string // Host header
	// open opens a connection to an address. nil means TCP.
	open func(ctx context.Context, network, address string) (net.Conn, error)
}

// resolve turns a URL into a target. It refuses public addresses: because of a
// typing error, the load could attack another party's server.
func resolve(ctx context.Context, rawURL, host string, allowPublic bool) (target, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return target{}, fmt.Errorf("parse URL: %w", err)
	}
	if u.Scheme != "http" || u.Hostname() == "" {
		return target{}, fmt.Errorf("%q: want http://host:port (only http is spoken)", rawURL)
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return target{}, fmt.Errorf("%q: want no path or query here: streams have them", rawURL)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return target{}, fmt.Errorf("resolve: %w", err)
	}
	ip := preferred(addresses)
	if !allowPublic && !ip.IsLoopback() && !ip.IsPrivate() {
		return target{}, fmt.Errorf("%s is %s, which is neither loopback nor private: set AllowPublic if it is yours", u.Hostname(), ip)
	}
	if host == "" {
		host = u.Host
	}
	return target{address: net.JoinHostPort(ip.String(), port), host: host}, nil
}

// preferred returns the first IPv4 address, or else the first address:
// "localhost" often resolves to ::1 first, where nothing listens.
func preferred(addresses []netip.Addr) netip.Addr {
	for _, a := range addresses {
		if a = a.Unmap(); a.Is4() {
			return a
		}
	}
	return addresses[0]
}

// dial opens a connection.
func (t target) dial(ctx context.Context) (net.Conn, error) {
	open := t.open
	if open == nil {
		open = (&net.Dialer{}).DialContext
	}
	conn, err := open(ctx, "tcp", t.address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return conn, nil
}
