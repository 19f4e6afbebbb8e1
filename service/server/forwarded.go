package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"escala/service"
)

// trust lists the networks whose proxies may set the headers about their
// clients. Loopback and Unix sockets are always trusted: their peers are on
// this machine.
type trust []netip.Prefix

// addr reports whether the peer address of a connection is trusted.
func (t trust) addr(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return t.ip(a.AddrPort().Addr())
	case *net.UnixAddr:
		return true
	}
	return false
}

func (t trust) ip(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.IsLoopback() {
		return true
	}
	for _, p := range t {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// claims is the set of service.ClientClaims, for a fast lookup.
var claims = func() map[string]struct{} {
	all := map[string]struct{}{}
	for _, name := range service.ClientClaims {
		all[name] = struct{}{}
	}
	return all
}()

// maxHops limits the work on one X-Forwarded-For header.
const maxHops = 32

// forwarded restores the request as the outermost trusted proxy received it.
// RemoteAddr becomes the client's address (port 0). Headers about the client are
// removed, so that no handler can trust them by accident. Only those that the
// trusted proxies set themselves remain.
func forwarded(r *http.Request, c *conn, believed []string) {
	trusted := c != nil && c.trusted
	for name := range r.Header {
		if _, claim := claims[name]; claim && (!trusted || !slices.Contains(believed, name)) {
			delete(r.Header, name)
		}
	}
	hops := r.Header["X-Forwarded-For"]
	if len(hops) == 0 {
		return
	}
	if ip, ok := clientIP(hops, c.set.trusted); ok {
		r.RemoteAddr = net.JoinHostPort(ip.String(), "0")
	}
}

// clientIP returns the last address in the X-Forwarded-For lines that is not a
// trusted proxy. Anyone may have written the addresses before it. If all are
// trusted, it returns the first one. ok is false if the header ends in an
// invalid address.
func clientIP(lines []string, t trust) (client netip.Addr, ok bool) {
	hops := 0
	for i := len(lines) - 1; i >= 0; i-- {
		rest := lines[i]
		for more := true; more; {
			var hop string
			if cut := strings.LastIndexByte(rest, ','); cut >= 0 {
				rest, hop = rest[:cut], rest[cut+1:]
			} else {
				rest, hop, more = "", rest, false
			}
			ip, valid := parseHop(hop)
			if hops++; !valid || hops > maxHops {
				return client, ok
			}
			client, ok = ip, true
			if !t.ip(ip) {
				return client, true
			}
		}
	}
	return client, ok
}

// parseHop parses an address with or without a port.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if ip, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return ip.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// direct reports that the request shows no proxy between the client and this
// worker.
func direct(r *http.Request) bool {
	for _, name := range service.ClientClaims {
		if _, ok := r.Header[name]; ok && name != "X-Request-Id" {
			return false
		}
	}
	_, via := r.Header["Via"]
	return !via
}
