package service

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHTTPSIsOnWithAHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		host  string
		mode  TLSMode
		want  TLSMode
		names []string
	}{
		{"", TLSDefault, TLSOff, nil},
		{"", TLSOff, TLSOff, nil},
		{"", TLSIP, TLSIP, nil},
		{"api.example.com", TLSDefault, TLSACME, []string{"api.example.com", "www.example.com"}},
		{"api.example.com", TLSACME, TLSACME, []string{"api.example.com", "www.example.com"}},
		{"api.example.com", TLSCertificate, TLSCertificate, []string{"api.example.com", "www.example.com"}},
		{"api.example.com", TLSOff, TLSOff, nil},
	} {
		s := NewSpec()
		s.Host, s.TLS.Mode = tt.host, tt.mode
		if tt.names != nil {
			s.TLS.Names = tt.names[1:]
		}
		if tt.mode == TLSCertificate {
			s.TLS.Certificate = "TLS_CERTIFICATE"
		}
		require.NoError(t, s.Validate(), "%+v", tt)
		assert.Equal(t, tt.want, s.TLSMode(), "%+v", tt)
		assert.Equal(t, tt.want != TLSOff, s.HTTPS(), "%+v", tt)
		assert.Equal(t, tt.names, s.CertificateNames(), "%+v", tt)
	}
}

func TestCertificateNamesDoNotShareMemory(t *testing.T) {
	t.Parallel()
	s := NewSpec()
	s.Host, s.TLS.Names = "a.example.com", []string{"b.example.com"}
	s.CertificateNames()[1] = "changed"
	assert.Equal(t, []string{"b.example.com"}, s.TLS.Names)
}

func TestAuthorityHasShortNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "https://acme-v02.api.letsencrypt.org/directory", NewTLS().Directory())
	assert.Equal(t, "https://acme-staging-v02.api.letsencrypt.org/directory", TLS{Authority: "staging"}.Directory())
	assert.Equal(t, "https://ca.example.com/acme", TLS{Authority: "https://ca.example.com/acme"}.Directory())
}

func TestValidateNamesTheKeyOfTLS(t *testing.T) {
	t.Parallel()
	manyNames := make([]string, MaxTLSNames+1)
	for i := range manyNames {
		manyNames[i] = "n" + strconv.Itoa(i) + ".example.com"
	}
	for _, tt := range []struct {
		path, message string
		change        func(*Spec)
	}{
		{"host", "is an address", func(s *Spec) { s.Host = "203.0.113.9" }},
		{"dns", "host is not set", func(s *Spec) { s.DNS = true; s.Host = "" }},
		{"tls.mode", `"on" is not one of`, func(s *Spec) { s.TLS.Mode = "on" }},
		{"tls.mode", "host is not set", func(s *Spec) { s.TLS.Mode, s.Host = TLSACME, "" }},
		{"tls.mode", "host is not set", func(s *Spec) { s.TLS.Mode, s.TLS.Certificate, s.Host = TLSCertificate, "T", "" }},
		{"tls.mode", "remove one of the two", func(s *Spec) { s.TLS.Mode = TLSIP }},
		{"tls.names", "21 names", func(s *Spec) { s.TLS.Names = manyNames }},
		{"tls.names", "has no names", func(s *Spec) { s.Host, s.TLS.Names = "", []string{"www.example.com"} }},
		{"tls.names[0]", `has a "*"`, func(s *Spec) { s.TLS.Names = []string{"*.example.com"} }},
		{"tls.names[0]", "is not a host name", func(s *Spec) { s.TLS.Names = []string{"WWW.example.com"} }},
		{"tls.names[0]", "is not a host name", func(s *Spec) { s.TLS.Names = []string{"192.0.2.1"} }},
		{"tls.names[0]", "is host", func(s *Spec) { s.TLS.Names = []string{"api.example.com"} }},
		{"tls.names[1]", "twice", func(s *Spec) { s.TLS.Names = []string{"www.example.com", "www.example.com"} }},
		{"tls.redirectNames", "tls.names is empty", func(s *Spec) { s.TLS.RedirectNames = true }},
		{"tls.email", "is not an e-mail address", func(s *Spec) { s.TLS.Email = "Ops <ops@example.com>" }},
		{"tls.email", "asks no authority", func(s *Spec) { s.TLS.Mode, s.TLS.Email = TLSOff, "ops@example.com" }},
		{"tls.authority", "neither", func(s *Spec) { s.TLS.Authority = "letsencrypt" }},
		{"tls.authority", "neither", func(s *Spec) { s.TLS.Authority = "http://ca.example.com/dir" }},
		{"tls.authority", "neither", func(s *Spec) { s.TLS.Authority = "https://u:p@ca.example.com/dir" }},
		{"tls.authorityCA", "Let's Encrypt's", func(s *Spec) { s.TLS.AuthorityCA = "root.pem" }},
		{"tls.certificate", "is not set", func(s *Spec) { s.TLS.Mode = TLSCertificate }},
		{"tls.certificate", `set tls.mode to "certificate"`, func(s *Spec) { s.TLS.Certificate = "TLS_CERTIFICATE" }},
		{"tls.certificate", "is not a secret's name", func(s *Spec) { s.TLS.Mode, s.TLS.Certificate = TLSCertificate, "a.pem" }},
		{"tls.certificate", "every worker", func(s *Spec) {
			s.TLS.Mode, s.TLS.Certificate, s.Secrets = TLSCertificate, "CERT", []string{"CERT"}
		}},
		{"tls.hsts", "whole number of seconds", func(s *Spec) { s.TLS.HSTS = 1500 * time.Millisecond }},
		{"tls.hsts", "whole number of seconds", func(s *Spec) { s.TLS.HSTS = -time.Second }},
		{"tls.hsts", "there is no HTTPS", func(s *Spec) { s.TLS.HSTS, s.Host = time.Hour, "" }},
	} {
		s := NewSpec()
		s.Host = "api.example.com"
		tt.change(&s)
		var v Violations
		require.ErrorAs(t, s.Validate(), &v, tt.path)
		i := slices.IndexFunc(v, func(one Violation) bool { return one.Path == tt.path })
		require.GreaterOrEqual(t, i, 0, "%s: %s", tt.path, v)
		assert.Contains(t, v[i].Problem, tt.message)
	}
}

func TestAuthorityOnThisComputerMayBePlain(t *testing.T) {
	t.Parallel()
	for _, authority := range []string{"http://localhost:4000/dir", "http://ca.localhost/dir", "http://127.0.0.1:4000/dir", "http://[::1]/dir", "staging"} {
		s := NewSpec()
		s.Host, s.TLS.Authority = "api.example.com", authority
		require.NoError(t, s.Validate(), authority)
	}
}
