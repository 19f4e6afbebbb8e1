package deploy

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"escala/infra/deploy/https"
	"escala/service"
)

// OwnCertificate returns the operator's own certificate, which the description
// takes from a secret. In a plan the secret is a placeholder, so the certificate is
// too.
func (r Request) OwnCertificate() (https.OwnCertificate, error) {
	name := r.Spec.TLS.Certificate
	own, err := https.ParseOwnCertificate(r.Secrets[name], r.Spec.HostNames(), time.Now())
	if err != nil && r.Offline {
		return https.OwnCertificate{Leaf: r.Secrets[name], Key: r.Secrets[name]}, nil
	}
	if err != nil {
		return own, fmt.Errorf("the certificate in secret %s %w", name, err)
	}
	return own, nil
}

// CheckOwnCertificate adds a violation if the description takes the certificate
// from a secret and its value is not usable.
func (r Request) CheckOwnCertificate(v *service.Violations) {
	if r.Spec.TLS.Mode != service.TLSCertificate || r.Secrets[r.Spec.TLS.Certificate] == "" {
		return
	}
	if _, err := r.OwnCertificate(); err != nil {
		v.Add("secrets."+r.Spec.TLS.Certificate, "%s", err)
	}
}

// AuthorityCA returns the root certificates of the description's own ACME
// authority, in PEM, or nil. A plan does not need the file.
func (r Request) AuthorityCA() ([]byte, error) {
	ca, err := r.ReadCA(r.Spec.TLS.AuthorityCA)
	if err != nil && r.Offline {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("service.tls.authorityCA: %q %w", r.Spec.TLS.AuthorityCA, err)
	}
	return ca, nil
}

// CheckAuthorityCA adds a violation if the file of AuthorityCA cannot be read.
func (r Request) CheckAuthorityCA(v *service.Violations) {
	if _, err := r.ReadCA(r.Spec.TLS.AuthorityCA); err != nil && !r.Offline {
		v.Add("service.tls.authorityCA", "%q %s", r.Spec.TLS.AuthorityCA, err)
	}
}

// ReadCA returns the content of a PEM file with certificate authorities. A relative
// path is relative to the clone. For an empty path it returns nil.
func (r Request) ReadCA(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	if !filepath.IsAbs(path) {
		// The state folder is in the clone.
		path = filepath.Join(filepath.Dir(r.State), path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(content) {
		return nil, errors.New("has no certificate in PEM in it")
	}
	return content, nil
}
