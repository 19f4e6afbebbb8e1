package kubernetes

import (
	"context"
	"encoding/base64"
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/targets/kubernetes/certmanager"
	"escala/infra/targets/kubernetes/rollout"
	"escala/service"
)

// certificateSource is the source of the Ingress' certificate.
type certificateSource int

const (
	// noCertificate is plain HTTP.
	noCertificate certificateSource = iota
	// controllerCertificate is a certificate of the ingress controller itself or of
	// its load balancer.
	controllerCertificate
	// existingCertificate is a certificate in the secret that the settings name.
	existingCertificate
	// ownCertificate is the operator's certificate, in a secret that the stack
	// makes.
	ownCertificate
	// issuedCertificate is a certificate that cert-manager puts into a secret.
	issuedCertificate
)

func (p *parts) certificateSource() certificateSource {
	mode := p.spec.TLS.Mode
	switch {
	case p.args.HTTPS:
		return controllerCertificate
	case mode == service.TLSOff:
		return noCertificate
	case mode == service.TLSCertificate:
		return ownCertificate
	case p.args.CertManager:
		return issuedCertificate
	case p.args.Settings.TLSSecret != "":
		return existingCertificate
	default:
		return noCertificate
	}
}

// issued reports whether the certificate comes by ACME, and so may come after the
// release.
func (p *parts) issued() bool {
	return p.args.Issued || p.certificateSource() == issuedCertificate
}

// scheme returns the public scheme of the Ingress: "http" or "https".
func (p *parts) scheme() string {
	if p.certificateSource() == noCertificate {
		return "http"
	}
	return "https"
}

// certificate registers the objects for the Ingress' certificate. It returns the
// name of the certificate's secret, or nil, and annotations of the Ingress.
func (p *parts) certificate() (pulumi.StringInput, pulumi.StringMap, error) {
	switch p.certificateSource() {
	case existingCertificate:
		return pulumi.String(p.args.Settings.TLSSecret), nil, nil
	case ownCertificate:
		secret, err := p.ownCertificate()
		return secret, nil, err
	case issuedCertificate:
		annotations, err := p.issuer()
		return p.admitted(p.spec.Name + "-tls"), annotations, err
	case noCertificate, controllerCertificate:
	}
	return nil, nil, nil
}

// ownCertificate registers a secret with the operator's own certificate. Pulumi
// generates its name, so a renewed certificate is another secret. The Ingress
// refers to the new secret before the old one is deleted.
func (p *parts) ownCertificate() (pulumi.StringInput, error) {
	own, err := p.args.Request.OwnCertificate()
	if err != nil {
		return nil, err
	}
	secret, err := corev1.NewSecret(p.ctx, p.logical("certificate"), &corev1.SecretArgs{
		Metadata:  p.unnamed(),
		Immutable: pulumi.Bool(true),
		Type:      pulumi.String("kubernetes.io/tls"),
		StringData: pulumi.ToSecret(pulumi.StringMap{
			"tls.crt": pulumi.String(own.Full()), "tls.key": pulumi.String(own.Key),
		}).(pulumi.StringMapOutput),
	}, p.options...)
	if err != nil {
		return nil, fmt.Errorf("registering the certificate: %w", err)
	}
	p.object(secret)
	return secret.Metadata.Name().Elem(), nil
}

// issuer returns the annotation that names the issuer. Without one in the
// settings, it registers an Issuer in the service's namespace.
func (p *parts) issuer() (pulumi.StringMap, error) {
	if name := p.args.Settings.Issuer; name != "" {
		return pulumi.StringMap{certmanager.AnnotationClusterIssuer: pulumi.String(name)}, nil
	}
	tls := p.spec.TLS
	args := &certmanager.IssuerArgs{
		Metadata:      p.meta(p.spec.Name, componentService, nil),
		Server:        pulumi.String(tls.Directory()),
		AccountSecret: pulumi.String(p.spec.Name + "-acme-account"),
	}
	if tls.Email != "" {
		args.Email = pulumi.String(tls.Email)
	}
	if ca := p.args.authorityCA(); len(ca) > 0 {
		args.CABundle = pulumi.String(base64.StdEncoding.EncodeToString(ca))
	}
	if class := p.args.IngressClass; class != nil {
		args.IngressClass = class.ToStringOutput().ToStringPtrOutput()
	}
	issuer, err := certmanager.NewIssuer(p.ctx, p.logical("issuer"), args, p.options...)
	if err != nil {
		return nil, err
	}
	p.object(issuer)
	return pulumi.StringMap{certmanager.AnnotationIssuer: pulumi.String(p.spec.Name)}, nil
}

// admitted returns value once the cluster has cert-manager and the issuer that
// value needs. A preview does not check that.
func (p *parts) admitted(value string) pulumi.StringInput {
	kubeconfig := p.args.Kubeconfig
	if p.ctx.DryRun() || kubeconfig == nil || p.args.Request.Offline {
		return pulumi.String(value)
	}
	checked := pulumi.All(kubeconfig).ApplyTWithContext(p.ctx.Context(), func(ctx context.Context, v []any) (string, error) {
		return value, rollout.CertManager(ctx, v[0].(string), p.args.Settings.Issuer)
	})
	// The kubeconfig may be secret; the value is not.
	return pulumi.Unsecret(checked).(pulumi.StringOutput)
}
