package dodoks

import (
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// certificateSource is the place that terminates TLS, and the source of its
// certificate.
type certificateSource int

const (
	// noCertificate is plain HTTP.
	noCertificate certificateSource = iota
	// namedCertificate is an existing certificate of the account, doks.certificate,
	// at the load balancer.
	namedCertificate
	// managedCertificate is a certificate that the stack makes at the load balancer.
	// DigitalOcean gets it from Let's Encrypt through its own DNS, and renews it.
	managedCertificate
	// secretCertificate is in a secret of the Ingress, at Traefik. It is the user's
	// own certificate, or cert-manager's.
	secretCertificate
	// traefikCertificate is a certificate that Traefik gets by ACME.
	traefikCertificate
)

// atBalancer reports whether the load balancer terminates TLS.
func (c certificateSource) atBalancer() bool { return c == namedCertificate || c == managedCertificate }

// certificateSource returns the source of the certificate. If the domain is at
// DigitalOcean, it is managedCertificate: then two Traefiks can run, while
// Traefik's own ACME allows only one.
func (s Settings) certificateSource(spec service.Spec) certificateSource {
	mode := spec.TLS.Mode
	switch {
	case mode == service.TLSOff:
		return noCertificate
	case mode == service.TLSCertificate, s.Issuer != "", s.TLSSecret != "":
		return secretCertificate
	case s.Certificate != "":
		return namedCertificate
	case s.makesRecords(spec):
		return managedCertificate
	case mode == service.TLSACME:
		return traefikCertificate
	default:
		return noCertificate
	}
}

// certificate returns the name of the load balancer's certificate. It is "" if
// Traefik terminates TLS, or if nothing does.
func (d deployment) certificate() (pulumi.StringInput, error) {
	switch d.settings.certificateSource(d.Request.Spec) {
	case namedCertificate:
		return pulumi.String(d.settings.Certificate), nil
	case managedCertificate:
		// For other names, a certificate with another name is made before the old one
		// is deleted, so the load balancer always has one. The provider waits until
		// it is issued.
		managed, err := digitalocean.NewCertificate(d.Ctx, d.Name("certificate"), &digitalocean.CertificateArgs{
			Type:    pulumi.String("lets_encrypt"),
			Domains: pulumi.ToStringArray(d.Request.Spec.HostNames()),
		}, d.Options()...)
		if err != nil {
			return nil, fmt.Errorf("registering the certificate: %w", err)
		}
		return managed.Name, nil
	case noCertificate, secretCertificate, traefikCertificate:
	}
	return pulumi.String(""), nil
}

// checkHTTPS reports values about HTTPS in the settings and the description that
// exclude each other.
func (s Settings) checkHTTPS(v *service.Violations, spec service.Spec) {
	source, t := s.certificateSource(spec), spec.TLS
	if s.Certificate != "" {
		if spec.Host == "" {
			v.Add("service.host", "is not set, but doks.certificate is: say for which host it is")
		}
		if s.TLSSecret != "" {
			v.Add("doks.tlsSecret", "is set together with doks.certificate: either Traefik ends TLS or the load balancer does")
		}
		if s.Issuer != "" {
			v.Add("doks.issuer", "is set together with doks.certificate: either Traefik ends TLS or the load balancer does")
		}
		if t.Mode != service.TLSDefault {
			v.Add("service.tls.mode", "is %q, but doks.certificate names a certificate; take one out", t.Mode)
		}
	}
	if source.atBalancer() {
		if idle := spec.WebSocket.ProxyIdle; idle < minIdle || idle > maxIdle {
			v.Add("service.webSocket.proxyIdle", "%s is not from %s to %s, which is what a load balancer with a certificate takes", idle, minIdle, maxIdle)
		}
	}
	if source == managedCertificate {
		for _, one := range []struct{ key, value string }{{"email", t.Email}, {"authority", t.Authority}, {"authorityCA", t.AuthorityCA}} {
			if one.value != "" {
				v.Add("service.tls."+one.key, "is set, but with service.dns DigitalOcean itself gets the certificate, from Let's Encrypt")
			}
		}
	}
	if source == traefikCertificate && t.AuthorityCA != "" {
		v.Add("service.tls.authorityCA", "is set, but the Traefik here trusts public authorities alone; cert-manager takes it (doks.issuer)")
	}
}
