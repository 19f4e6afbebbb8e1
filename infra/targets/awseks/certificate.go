package awseks

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/service"
)

// certificateSource is the source of the load balancer's certificates.
type certificateSource int

const (
	// noCertificate is plain HTTP.
	noCertificate certificateSource = iota
	// namedCertificate is an existing certificate, eks.certificateArn.
	namedCertificate
	// issuedCertificate is requested from ACM, which validates it by records in
	// Route 53 and renews it by itself.
	issuedCertificate
	// ownCertificate is imported into ACM from the stack's secrets.
	ownCertificate
)

// certificateSource returns the source of the load balancer's certificates.
func (s Settings) certificateSource(spec service.Spec) certificateSource {
	mode := spec.TLS.Mode
	switch {
	case mode == service.TLSOff, spec.Host == "":
		return noCertificate
	case mode == service.TLSCertificate:
		return ownCertificate
	case s.CertificateARN != "":
		return namedCertificate
	case mode == service.TLSACME, s.Zone != "", spec.DNS:
		return issuedCertificate
	default:
		return noCertificate
	}
}

// issueTimeout is the time that ACM has to issue a certificate. It takes some
// minutes. The provider's default is 75 minutes, also for a zone that is not
// delegated to Route 53.
const issueTimeout = "20m"

// maxCommonName is the longest name that ACM puts into a certificate's common
// name (RequestCertificate, DomainName).
const maxCommonName = 64

// certificates returns the ARNs of the load balancer's certificates, the host's
// first. They resolve once the certificates are issued, because a listener refuses
// one that is not issued. It returns nil without HTTPS.
func (d deployment) certificates() (pulumi.StringArray, error) {
	switch d.settings.certificateSource(d.Request.Spec) {
	case namedCertificate:
		return pulumi.StringArray{pulumi.String(d.settings.CertificateARN)}, nil
	case ownCertificate:
		arn, err := d.importCertificate()
		return pulumi.StringArray{arn}, err
	case issuedCertificate:
		var arns pulumi.StringArray
		for _, name := range d.Request.Spec.CertificateNames() {
			arn, err := d.issueCertificate(name)
			if err != nil {
				return nil, err
			}
			arns = append(arns, arn)
		}
		return arns, nil
	case noCertificate:
	}
	return nil, nil
}

// issueCertificate registers the certificate of one name. Each name has its own
// certificate for three reasons. A new name does not change the certificates that
// serve. The provider knows all validation records of a certificate as soon as it
// knows one. A load balancer accepts more certificates than a certificate accepts
// names.
func (d deployment) issueCertificate(name string) (pulumi.StringOutput, error) {
	none := pulumi.StringOutput{}
	part := "certificate-" + name
	certificate, err := acm.NewCertificate(d.Ctx, d.Name(part), &acm.CertificateArgs{
		DomainName:       pulumi.String(name),
		ValidationMethod: pulumi.String("DNS"),
		Tags:             d.NameTag(part, nil),
	}, d.Options()...)
	if err != nil {
		return none, fmt.Errorf("registering the certificate of %s: %w", name, err)
	}
	of := func(get func(acm.CertificateDomainValidationOption) *string) pulumi.StringOutput {
		return certificate.DomainValidationOptions.ApplyT(func(all []acm.CertificateDomainValidationOption) (string, error) {
			for _, one := range all {
				if value := get(one); value != nil && *value != "" {
					return *value, nil
				}
			}
			if d.Ctx.DryRun() {
				return "known once ACM has the request", nil
			}
			return "", fmt.Errorf("ACM has not said which record proves that %s is yours; run `pulumi refresh`, then this again", name)
		}).(pulumi.StringOutput)
	}
	record, err := d.registrar.Record(part, &route53.RecordArgs{
		ZoneId: pulumi.String(d.lookup.dns[name]),
		Name:   of(func(o acm.CertificateDomainValidationOption) *string { return o.ResourceRecordName }),
		Type:   pulumi.String("CNAME"),
		Records: pulumi.StringArray{
			of(func(o acm.CertificateDomainValidationOption) *string { return o.ResourceRecordValue }),
		},
		Ttl: pulumi.Int(300),
		// ACM gives an account the same record for every certificate of a name. So
		// another certificate's record may already exist, with the same value.
		AllowOverwrite: pulumi.Bool(true),
	})
	if err != nil {
		return none, fmt.Errorf("registering the record that proves %s: %w", name, err)
	}
	issued, err := acm.NewCertificateValidation(d.Ctx, d.Name(part), &acm.CertificateValidationArgs{
		CertificateArn:        certificate.Arn,
		ValidationRecordFqdns: pulumi.StringArray{record.Fqdn},
	}, d.Options(pulumi.Timeouts(&pulumi.CustomTimeouts{Create: issueTimeout}))...)
	if err != nil {
		return none, fmt.Errorf("registering the wait for the certificate of %s: %w", name, err)
	}
	return issued.CertificateArn, nil
}

// importCertificate registers the operator's own certificate. A renewed certificate
// gets a new ARN, and the old one is deleted when no listener uses it any more.
// Under an existing ARN, ACM accepts no other key type or size and no fewer key
// usages ("Reimporting a certificate").
func (d deployment) importCertificate() (pulumi.StringOutput, error) {
	own, err := d.Request.OwnCertificate()
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	args := &acm.CertificateArgs{
		CertificateBody: pulumi.String(own.Leaf),
		PrivateKey:      pulumi.ToSecret(pulumi.String(own.Key)).(pulumi.StringOutput),
		Tags:            d.NameTag("certificate", nil),
	}
	if own.Chain != "" {
		args.CertificateChain = pulumi.String(own.Chain)
	}
	imported, err := acm.NewCertificate(d.Ctx, d.Name("certificate"), args, d.Options(
		pulumi.ReplaceOnChanges([]string{"certificateBody", "certificateChain", "privateKey"}),
		pulumi.DeleteBeforeReplace(false))...)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("registering the certificate: %w", err)
	}
	return imported.Arn, nil
}

// checkImport reports a key of the operator's own certificate that ACM does not
// accept ("Prerequisites for importing ACM certificates").
func checkImport(v *service.Violations, r deploy.Request) {
	name := r.Spec.TLS.Certificate
	if r.Spec.TLS.Mode != service.TLSCertificate || r.Secrets[name] == "" {
		return
	}
	own, err := r.OwnCertificate()
	if err != nil {
		return // reported with the description
	}
	block, _ := pem.Decode([]byte(own.Leaf))
	if block == nil {
		return // a plan's placeholder
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return
	}
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); !slices.Contains([]int{1024, 2048, 3072, 4096}, bits) {
			v.Add("secrets."+name, "has an RSA key of %d bits; ACM takes 2048, 3072 and 4096", bits)
		}
	case *ecdsa.PublicKey:
	default:
		v.Add("secrets."+name, "has a key of type %s; ACM takes RSA, and ECDSA with P-256, P-384 or P-521", leaf.PublicKeyAlgorithm)
	}
}

// checkHTTPS reports values about HTTPS in the settings and the description that
// exclude each other.
func (s Settings) checkHTTPS(v *service.Violations, spec service.Spec) {
	mode := spec.TLS.Mode
	if s.CertificateARN != "" {
		s.checkARN(v, spec)
	}
	if s.Issuer != "" {
		v.Add("eks.issuer", "is set, but a load balancer of AWS has its certificates from ACM; use eks.zone or eks.certificateArn")
	}
	if mode == service.TLSACME || mode == service.TLSCertificate || mode == service.TLSOff {
		if s.CertificateARN != "" {
			v.Add("service.tls.mode", "is %q, but eks.certificateArn names a certificate; take one out", mode)
		}
	}
	if s.certificateSource(spec) == issuedCertificate {
		for _, name := range spec.CertificateNames() {
			if len(name) > maxCommonName {
				v.Add("service.host", "%s has %d characters, and ACM issues certificates for names of %d at most; use service.tls.certificate", name, len(name), maxCommonName)
			}
		}
		t := spec.TLS
		for _, one := range []struct{ key, value string }{{"email", t.Email}, {"authority", t.Authority}, {"authorityCA", t.AuthorityCA}} {
			if one.value != "" {
				v.Add("service.tls."+one.key, "is set, but the load balancer's certificate is issued by Amazon's own authority (ACM)")
			}
		}
	}
}

func (s Settings) checkARN(v *service.Violations, spec service.Spec) {
	if match := certificateARN.FindStringSubmatch(s.CertificateARN); match == nil {
		v.Add("eks.certificateArn", "%q is not the ARN of an ACM certificate", s.CertificateARN)
	} else if match[1] != s.Region {
		v.Add("eks.certificateArn", "is of %s, but the load balancer is in %s", match[1], s.Region)
	}
	if spec.Host == "" {
		v.Add("service.host", "is not set, but eks.certificateArn is: say for which host it is")
	}
	if s.TLSSecret != "" {
		v.Add("eks.tlsSecret", "is set together with eks.certificateArn; a load balancer of AWS takes the latter")
	}
}
