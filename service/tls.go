package service

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// TLSMode selects the source of the certificate with which a service answers
// HTTPS.
type TLSMode string

const (
	// TLSDefault is TLSACME on a machine whose Spec has a Host, and TLSOff on a
	// machine without one. On clusters the target's own keys decide.
	TLSDefault TLSMode = ""
	// TLSACME is a certificate for the host, from an authority that speaks ACME
	// (RFC 8555), such as Let's Encrypt.
	TLSACME TLSMode = "acme"
	// TLSIP is a short-lived certificate for the machine's public address, from
	// the same authorities. It needs no host name.
	TLSIP TLSMode = "ip"
	// TLSCertificate is the operator's own certificate, from a secret.
	TLSCertificate TLSMode = "certificate"
	// TLSOff is plain HTTP.
	TLSOff TLSMode = "off"
)

// TLS holds the settings of a service's HTTPS.
type TLS struct {
	// Mode is TLSDefault by default.
	Mode TLSMode `config:"mode"`
	// Names are further host names that need a certificate, besides Spec.Host.
	// Default none.
	Names []string `config:"names"`
	// RedirectNames answers requests for Names with a redirect to Spec.Host.
	// Default false.
	RedirectNames bool `config:"redirectNames"`
	// Email is the address that the authority may write to. Default none.
	Email string `config:"email"`
	// Authority is the URL of the authority's ACME directory, or AuthorityStaging.
	// Default AuthorityProduction.
	Authority string `config:"authority"`
	// AuthorityCA is the path of a PEM file with the root certificates of a
	// private or test authority. Default: the system's roots.
	AuthorityCA string `config:"authorityCA"`
	// Certificate is the name of a secret of the stack, in TLSCertificate mode.
	// Its value is the certificate's chain and its private key in PEM. It never
	// reaches a worker's environment.
	Certificate string `config:"certificate"`
	// HSTS is the max-age of the header Strict-Transport-Security, in whole
	// seconds. Default 0: no header.
	HSTS time.Duration `config:"hsts"`
	// Redirect answers plain HTTP for the certificate's names with a redirect to
	// HTTPS, as soon as there is a certificate. Default true.
	Redirect bool `config:"redirect"`
}

// NewTLS returns the defaults.
func NewTLS() TLS { return TLS{Redirect: true} }

// AuthorityStaging is the short name of Let's Encrypt's staging environment
// (letsencrypt.org, "Staging Environment").
const AuthorityStaging = "staging"

// The ACME directories of Let's Encrypt.
const (
	AuthorityProduction = "https://acme-v02.api.letsencrypt.org/directory"
	stagingDirectory    = "https://acme-staging-v02.api.letsencrypt.org/directory"
)

// Directory returns the URL of the authority's ACME directory.
func (t TLS) Directory() string {
	switch t.Authority {
	case "":
		return AuthorityProduction
	case AuthorityStaging:
		return stagingDirectory
	default:
		return t.Authority
	}
}

// MaxTLSNames is the largest number of TLS.Names. Each name has its own
// certificate, and Let's Encrypt issues 50 certificates for a registered domain
// in seven days (letsencrypt.org, "Rate Limits").
const MaxTLSNames = 20

// TLSMode returns the mode of a machine: TLS.Mode, with TLSDefault replaced.
func (s Spec) TLSMode() TLSMode {
	switch {
	case s.TLS.Mode != TLSDefault:
		return s.TLS.Mode
	case s.Host != "":
		return TLSACME
	default:
		return TLSOff
	}
}

// HTTPS reports whether a machine answers HTTPS.
func (s Spec) HTTPS() bool { return s.TLSMode() != TLSOff }

// CertificateNames returns the host names that have a certificate, Host first. It
// returns none in TLSIP and TLSOff mode.
func (s Spec) CertificateNames() []string {
	if mode := s.TLSMode(); s.Host == "" || mode == TLSIP || mode == TLSOff {
		return nil
	}
	return append([]string{s.Host}, s.TLS.Names...)
}

// checkTLS checks the keys below tls, and the key dns.
func (s Spec) checkTLS(v *Violations) {
	t, mode := s.TLS, s.TLSMode()
	if !slices.Contains([]TLSMode{TLSDefault, TLSACME, TLSIP, TLSCertificate, TLSOff}, t.Mode) {
		v.Add("tls.mode", "%q is not one of %q, %q, %q, %q", t.Mode, TLSACME, TLSIP, TLSCertificate, TLSOff)
		return
	}
	switch {
	case s.Host == "" && (mode == TLSACME || mode == TLSCertificate):
		v.Add("tls.mode", "is %q, but host is not set: a certificate needs a host name, for example host: api.example.com; %q needs none", mode, TLSIP)
	case s.Host != "" && mode == TLSIP:
		v.Add("tls.mode", "is %q, which is for a machine without a host name, but host is %q; remove one of the two", mode, s.Host)
	}
	if s.DNS && s.Host == "" {
		v.Add("dns", "is on, but host is not set: there is no name to make a record for")
	}
	s.checkTLSNames(v)
	t.checkAuthority(v, mode)
	switch {
	case mode == TLSCertificate && t.Certificate == "":
		v.Add("tls.certificate", "is not set: tls.mode is %q, which takes the name of a secret, for example TLS_CERTIFICATE", mode)
	case mode != TLSCertificate && t.Certificate != "":
		v.Add("tls.certificate", "is set, but tls.mode is %q; set tls.mode to %q", mode, TLSCertificate)
	case t.Certificate == "":
	case !envName.MatchString(t.Certificate):
		v.Add("tls.certificate", "%q is not a secret's name (letters, digits, _)", t.Certificate)
	case slices.Contains(s.Secrets, t.Certificate):
		v.Add("tls.certificate", "%q is in secrets too, which gives it to every worker; remove it there", t.Certificate)
	}
	switch {
	case t.HSTS < 0 || t.HSTS%time.Second != 0:
		v.Add("tls.hsts", "%s is not a whole number of seconds from 0s; for example \"24h\"", t.HSTS)
	case t.HSTS > 0 && mode == TLSOff:
		v.Add("tls.hsts", "is set, but tls.mode is %q, so there is no HTTPS; set host, or remove it", mode)
	}
}

func (s Spec) checkTLSNames(v *Violations) {
	names := s.TLS.Names
	mode := s.TLSMode()
	if len(names) > MaxTLSNames {
		v.Add("tls.names", "has %d names, and %d is the most", len(names), MaxTLSNames)
	}
	if len(names) > 0 && (mode == TLSIP || mode == TLSOff) {
		v.Add("tls.names", "is set, but tls.mode is %q, which has no names; set host", mode)
	}
	if s.TLS.RedirectNames && len(names) == 0 {
		v.Add("tls.redirectNames", "is on, but tls.names is empty")
	}
	for i, name := range names {
		path := fmt.Sprintf("tls.names[%d]", i)
		switch {
		case strings.Contains(name, "*") && mode == TLSACME:
			v.Add(path, "%q has a \"*\", for which an authority wants a DNS record; name each host, or use tls.mode %q", name, TLSCertificate)
		case !isHostName(name):
			v.Add(path, "%q is not a host name in lower case; for example \"www.example.com\"", name)
		case name == s.Host:
			v.Add(path, "%q is host, which has a certificate anyway", name)
		case slices.Contains(names[:i], name):
			v.Add(path, "%q is listed twice", name)
		}
	}
}

func (t TLS) checkAuthority(v *Violations, mode TLSMode) {
	if t.Email != "" {
		if a, err := mail.ParseAddress(t.Email); err != nil || a.Address != t.Email {
			v.Add("tls.email", "%q is not an e-mail address such as \"ops@example.com\"", t.Email)
		}
	}
	for _, one := range []struct{ path, value string }{
		{"tls.email", t.Email}, {"tls.authority", t.Authority}, {"tls.authorityCA", t.AuthorityCA},
	} {
		if one.value != "" && mode != TLSACME && mode != TLSIP {
			v.Add(one.path, "is set, but tls.mode is %q, which asks no authority", mode)
		}
	}
	if t.Authority != "" && t.Authority != AuthorityStaging && !isDirectory(t.Authority) {
		v.Add("tls.authority", "%q is neither %q nor the https:// URL of an ACME directory; for example %q", t.Authority, AuthorityStaging, AuthorityProduction)
	}
	if t.AuthorityCA != "" && (t.Authority == "" || t.Authority == AuthorityStaging) {
		v.Add("tls.authorityCA", "is set, but tls.authority is Let's Encrypt's, whose roots every system has")
	}
}

// isDirectory reports whether s is an https URL. It accepts http only for this
// computer, because tests run authorities there.
func isDirectory(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	name := u.Hostname()
	address, err := netip.ParseAddr(name)
	here := name == "localhost" || strings.HasSuffix(name, ".localhost") || err == nil && address.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && here
}
