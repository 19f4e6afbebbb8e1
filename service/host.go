package service

import (
	"regexp"
	"strings"
)

var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// checkHost checks the public host name.
func (s Spec) checkHost(v *Violations) {
	if s.Host != "" && (len(s.Host) > 253 || !hostName.MatchString(s.Host)) {
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
