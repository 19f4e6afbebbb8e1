package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"escala/service"
)

// trust are the networks whose proxies may speak for their clients. Loopback
// and Unix sockets always may: who connects there is on this machine.
type trust []netip.Prefix

// addr reports whether a connection's peer is trusted.
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

// claims are service.ClientClaims, to be found fast.
var claims = func() map[string]struct{} {
	all := map[string]struct{}{}
	for _, name := range service.ClientClaims {
		all[name] = struct{}{}
	}
	return all
}()

// maxHops bounds the work on one X-Forwarded-For header.
const maxHops = 32

// forwarded makes the request look as it did at the outermost trusted proxy:
// RemoteAddr becomes the client's address (port 0). Every header that speaks for
// a client is removed, so that no handler can believe it by accident, but for
// those that the trusted proxies set themselves.
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

// clientIP is the last address in the X-Forwarded-For lines that is not a
// trusted proxy. A stranger may have written everything before it. If all are trusted it is the first one. ok is false when the header
// ends in something that is no address.
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

// parseHop reads an address with or without a port.
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

// direct reports that no proxy is between the client and this worker, as far as
// the request shows.
func direct(r *http.Request) bool {
	for _, name := range service.ClientClaims {
		if _, ok := r.Header[name]; ok && name != "X-Request-Id" {
			return false
		}
	}
	_, via := r.Header["Via"]
	return !via
}
