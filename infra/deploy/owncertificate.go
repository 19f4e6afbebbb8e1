package deploy

import (
	"fmt"
	"time"

	"escala/infra/deploy/https"
	"escala/service"
)

// OwnCertificate returns the operator's own certificate, which the description
// takes from a secret. In a plan the secret is a placeholder, and so is the
// result.
func (r Request) OwnCertificate() (https.Own, error) {
	name := r.Spec.TLS.Certificate
	own, err := https.ParseOwn(r.Secrets[name], r.Spec.HostNames(), time.Now())
	if err != nil && r.Offline {
		return https.Own{Leaf: r.Secrets[name], Key: r.Secrets[name]}, nil
	}
	if err != nil {
		return own, fmt.Errorf("the certificate in secret %s %w", name, err)
	}
	return own, nil
}

// CheckOwnCertificate adds a violation if the description takes the certificate
// from a secret whose value cannot be used.
func (r Request) CheckOwnCertificate(v *service.Violations) {
	if r.Spec.TLS.Mode != service.TLSCertificate || r.Secrets[r.Spec.TLS.Certificate] == "" {
		return
	}
	if _, err := r.OwnCertificate(); err != nil {
		v.Add("secrets."+r.Spec.TLS.Certificate, "%s", err)
	}
}
