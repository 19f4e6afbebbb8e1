package service

import (
	"net/netip"
	"regexp"
	"strings"
)

var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// isHostName reports whether s is a full host name in lower case, and not an
// address.
func isHostName(s string) bool {
	return len(s) <= 253 && hostName.MatchString(s) && !isAddress(s)
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// checkHost checks the public host name.
func (s Spec) checkHost(v *Violations) {
	switch {
	case s.Host == "" || isHostName(s.Host):
	case isAddress(s.Host):
		v.Add("host", "%q is an address, not a name; remove it: a machine answers on its address anyway, and with tls.mode %q by HTTPS", s.Host, TLSIP)
	default:
		v.Add("host", "%q is not a host name in lower case; for example \"api.example.com\"", s.Host)
	}
	if !urlPath.MatchString(s.PathPrefix) || (s.PathPrefix != "/" && strings.HasSuffix(s.PathPrefix, "/")) {
		v.Add("pathPrefix", "%q is not a path without a slash at its end; for example \"/api\"", s.PathPrefix)
		return
	}
	if s.PathPrefix != "/" && !strings.HasPrefix(s.HealthPath, s.PathPrefix+"/") {
		v.Add("healthPath", "%q is not below pathPrefix (%q): from outside it could not be seen whether the service answers; for example %q", s.HealthPath, s.PathPrefix, s.PathPrefix+"/health")
	}
}
