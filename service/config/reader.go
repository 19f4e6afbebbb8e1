// Package config converts environment variables to typed settings. It reports
// all bad values together, with the variable's name and an example; otherwise
// each restart would find only the next mistake.
//
// The plan of a stack reads its rendered environment with the same reader
// (Planned). So this package must not import code that only a worker needs.
package config

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"escala/service"
)

// reader reads variables and collects their violations.
type reader struct {
	getenv func(string) string
	bad    service.Violations
}

// text returns the variable, or fallback if it is empty or not set.
func (r *reader) text(name, fallback string) string {
	if s := r.getenv(name); s != "" {
		return s
	}
	return fallback
}

// number reads a whole number between least and most.
func (r *reader) number(name string, fallback, least, most int) int {
	s := r.getenv(name)
	if s == "" {
		return fallback
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		r.bad.Add(name, "%q is not a whole number from %d to %d; for example %d", s, least, most, fallback)
		return fallback
	}
	return n
}

// duration reads a duration that is not shorter than least.
func (r *reader) duration(name string, fallback, least time.Duration) time.Duration {
	s := r.getenv(name)
	if s == "" {
		return fallback
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < least {
		r.bad.Add(name, "%q is not a duration of %s or more; for example %q", s, least, fallback.String())
		return fallback
	}
	return d
}

// boolean reads "true" or "false".
func (r *reader) boolean(name string, fallback bool) bool {
	switch s := r.getenv(name); s {
	case "":
		return fallback
	case "true":
		return true
	case "false":
		return false
	default:
		r.bad.Add(name, "%q is neither \"true\" nor \"false\"", s)
		return fallback
	}
}

// oneOf reads one of the allowed words. The first word is the default.
func (r *reader) oneOf(name string, allowed ...string) string {
	s := r.text(name, allowed[0])
	for _, one := range allowed {
		if s == one {
			return s
		}
	}
	r.bad.Add(name, "%q is not one of %s", s, strings.Join(allowed, ", "))
	return allowed[0]
}

// path reads a health or readiness path.
func (r *reader) path(name, fallback string) string {
	s := r.text(name, fallback)
	if bad := service.CheckPath(s); bad != "" {
		r.bad.Add(name, "%q %s", s, bad)
		return fallback
	}
	return s
}

// list reads comma-separated words and skips empty ones.
func (r *reader) list(name string) []string {
	var out []string
	for one := range strings.SplitSeq(r.getenv(name), ",") {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}

// networks reads comma-separated addresses and CIDR networks.
func (r *reader) networks(name string) []netip.Prefix {
	var out []netip.Prefix
	for _, one := range r.list(name) {
		p, ok := service.ParseNetwork(one)
		if !ok {
			r.bad.Add(name, "%q is neither an address nor a network; for example \"10.0.0.0/8\"", one)
			continue
		}
		out = append(out, p)
	}
	return out
}

// headers reads the names of headers about the client.
func (r *reader) headers(name string, fallback []string) []string {
	if r.getenv(name) == "" {
		return fallback
	}
	var out []string
	for _, one := range r.list(name) {
		header := http.CanonicalHeaderKey(one)
		if !slices.Contains(service.ClientClaims, header) {
			r.bad.Add(name, "%q is not one of %s", one, strings.Join(service.ClientClaims, ", "))
			continue
		}
		out = append(out, header)
	}
	return out
}
