package cloudfake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
)

const (
	awsRecord      = "aws:route53/record:Record"
	awsCertificate = "aws:acm/certificate:Certificate"
	awsIssued      = "aws:acm/certificateValidation:CertificateValidation"
)

// hostedZone is a zone of Route 53.
type hostedZone struct{ id, name string }

// Zone makes a public hosted zone outside of Pulumi. It returns the zone's id.
func (a *AWS) Zone(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := fmt.Sprintf("Z%015d", len(a.zones)+1)
	a.zones = append(a.zones, hostedZone{id, name})
	return id
}

// Record makes a record outside of Pulumi.
func (a *AWS) Record(zone, name, kind string) {
	a.record(offline.Event{Operation: offline.Create, Type: awsRecord, ID: "by hand " + name, Inputs: resource.NewPropertyMapFromMap(map[string]any{
		"zoneId": zone, "name": name, "type": kind,
	})})
}

// Delegate sets whether the zones are delegated, so that public DNS uses them.
func (a *AWS) Delegate(yes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.undelegated = !yes
}

// getZone answers as the provider's data source does.
func (a *AWS) getZone(args resource.PropertyMap) (resource.PropertyMap, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []hostedZone
	for _, z := range a.zones {
		if z.id == text(args, "zoneId") || z.name == text(args, "name") {
			found = append(found, z)
		}
	}
	switch len(found) {
	case 0:
		return nil, errors.New("no matching Route 53 Hosted Zone found")
	case 1:
		return clouds.ZoneFound(found[0].id, found[0].name), nil
	default:
		return nil, errors.New("multiple Route 53 Hosted Zones matched; use additional constraints to reduce matches to a single Route 53 Hosted Zone")
	}
}

// zoneName returns the name of a zone, or "".
func (a *AWS) zoneName(id string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, z := range a.zones {
		if z.id == id {
			return z.name
		}
	}
	return ""
}

// names returns the behaviours of Route 53 and ACM.
func (a *AWS) names() []Behaviour {
	const (
		changes = "https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html"
		request = "https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html"
	)
	return []Behaviour{
		{
			Name: "record-exists", Types: []string{awsRecord}, Test: "TestEKSRecordExists",
			Does:   "Refuses to create a record that exists; the provider overwrites one only if it is told to.",
			Source: "https://github.com/DefangLabs/docs-chatbot/issues/22",
			Before: func(e *offline.Event) error {
				if overwrite, _ := offline.Plain(e.Inputs)["allowOverwrite"].(bool); e.Operation != offline.Create || overwrite {
					return nil
				}
				for _, other := range a.OfType(awsRecord) {
					if recordKey(other) == recordKey(*e) {
						return fmt.Errorf("creating Route53 Record: InvalidChangeBatch: [Tried to create resource record set [name='%s.', type='%s'] but it already exists]", text(e.Inputs, "name"), text(e.Inputs, "type"))
					}
				}
				return nil
			},
		},
		{
			Name: "record-is-its-name", Types: []string{awsRecord}, Test: "TestRenamedServiceKeepsItsRecords",
			Does:   "Has one record of a name and type, whichever resource wrote it: the provider deletes what is there, so the deletion of one resource takes away what another one wrote.",
			Source: awsProvider + "route53/record.go",
			After: func(e *offline.Event) bool {
				return e.Operation == offline.Delete && a.remove(func(other offline.Event) bool {
					return other.Type == awsRecord && other.ID != e.ID && recordKey(other) == recordKey(*e)
				}) > 0
			},
		},
		{
			Name: "zone-holds-the-name", Types: []string{awsRecord}, Test: "TestAWSNames",
			Does:   "Takes only records whose name ends with the zone's.",
			Source: changes,
			Before: func(e *offline.Event) error {
				name, zone := strings.TrimSuffix(text(e.Inputs, "name"), "."), a.zoneName(text(e.Inputs, "zoneId"))
				switch {
				case e.Operation != offline.Create:
					return nil
				case zone == "":
					return fmt.Errorf("NoSuchHostedZone: No hosted zone found with ID: %s", text(e.Inputs, "zoneId"))
				case name != zone && !strings.HasSuffix(name, "."+zone):
					return fmt.Errorf("InvalidChangeBatch: [RRSet with DNS name %s. is not permitted in zone %s.]", name, zone)
				}
				return nil
			},
		},
		{
			Name: "alias-needs-the-balancers-zone", Types: []string{awsRecord}, Test: "TestEKSZone",
			Does:   "Takes an alias to a load balancer's host name together with the id of the zone that this name is in, one for each region.",
			Source: "https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html",
			Before: func(e *offline.Event) error {
				target, zone := alias(*e)
				if e.Operation == offline.Delete || target == "" {
					return nil
				}
				parts := strings.Split(target, ".")
				if len(parts) != 5 || !strings.HasSuffix(target, ".elb.amazonaws.com") || clouds.BalancerZones[parts[1]] != zone {
					return fmt.Errorf("InvalidChangeBatch: [Tried to create an alias that targets %s., type A in zone %s, but the alias target name does not lie within the target zone]", target, zone)
				}
				return nil
			},
			After: func(e *offline.Event) bool {
				target, _ := alias(*e)
				return e.Operation == offline.Create && target != ""
			},
		},
		{
			Name: "validation-record-is-the-names", Types: []string{awsCertificate}, Test: "TestEKSZone",
			Does:   "Gives an account the same validation record for each certificate of a name.",
			Source: "https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html",
			After: func(e *offline.Event) bool {
				return e.Operation == offline.Create && text(e.Inputs, "validationMethod") == "DNS"
			},
		},
		{
			Name: "certificate-is-given-up", Types: []string{awsCertificate, awsIssued}, Test: "TestEKSCertificateIsGivenUp",
			Does:   "Gives a certificate up that is not validated within 72 hours. The provider does not wait for it any more, and reads it as absent.",
			Source: awsProvider + "acm/certificate.go",
			Before: func(e *offline.Event) error {
				if arn := text(e.Inputs, "certificateArn"); e.Operation == offline.Create && a.hasTimedOut(arn) {
					return fmt.Errorf("reading ACM Certificate (%s): VALIDATION_TIMED_OUT", arn)
				}
				return nil
			},
			After: func(e *offline.Event) bool {
				e.Deleted = e.Operation == offline.Read && e.Type == awsCertificate && a.hasTimedOut(e.ID)
				return e.Deleted
			},
		},
		{
			Name: "certificate-is-validated", Types: []string{awsIssued}, Test: "TestAWSNames",
			Does:   "Issues a certificate once its validation record is there; the provider waits.",
			Source: awsProvider + "acm/certificate_validation.go",
			Before: func(e *offline.Event) error {
				arn := text(e.Inputs, "certificateArn")
				if e.Operation == offline.Create && !a.validated(arn) {
					return fmt.Errorf("waiting for ACM Certificate (%s) to be issued: timeout while waiting for state to become 'ISSUED' (last state: 'PENDING_VALIDATION', timeout: 20m0s)", arn)
				}
				return nil
			},
		},
		{
			Name: "listener-needs-an-issued-certificate", Types: []string{ingressParams}, Test: "TestAWSNames",
			Does:   "Makes no listener with a certificate that is not issued: the Ingress keeps the event FailedDeployModel, UnsupportedCertificate.",
			Source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html",
			After: func(e *offline.Event) bool {
				if e.Operation == offline.Delete {
					return false
				}
				return slices.ContainsFunc(listenerCertificates(*e), func(arn string) bool { return !a.isIssued(arn) })
			},
		},
		{
			Name: "certificate-in-use", Types: []string{awsCertificate}, Test: "TestAWSNames",
			Does:   "Deletes no certificate that a load balancer has. The provider retries for 20 minutes.",
			Source: "https://docs.aws.amazon.com/acm/latest/APIReference/API_DeleteCertificate.html",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Delete {
					return nil
				}
				for _, params := range a.OfType(ingressParams) {
					if slices.Contains(listenerCertificates(params), e.ID) {
						return fmt.Errorf("ResourceInUseException: Certificate %s is in use.", e.ID) //nolint:revive,staticcheck // as ACM says it
					}
				}
				return nil
			},
		},
		{
			Name: "import-keeps-the-key", Types: []string{awsCertificate}, Test: "TestEKSOwnCertificate",
			Does:   "Imports no certificate with a key of another type or size under an ARN that it has.",
			Source: "https://docs.aws.amazon.com/acm/latest/userguide/import-reimport.html",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Update {
					return nil
				}
				if before, ok := a.before(e); ok && keyOf(before) != keyOf(*e) {
					return fmt.Errorf("importing ACM Certificate (%s): ValidationException: The certificate's key type %s differs from the original's %s", e.ID, keyOf(*e), keyOf(before))
				}
				return nil
			},
		},
		{
			Name: "import-takes-keys", Types: []string{awsCertificate}, Test: "TestEKSOwnCertificate",
			Does:   "Imports certificates with RSA keys of 1024, 2048, 3072 or 4096 bits, or with keys of the curves P-256, P-384 and P-521.",
			Source: "https://docs.aws.amazon.com/acm/latest/userguide/import-certificate-prerequisites.html",
			Before: func(e *offline.Event) error {
				key := keyOf(*e)
				if e.Operation == offline.Delete || key == "" || slices.Contains([]string{"RSA 1024", "RSA 2048", "RSA 3072", "RSA 4096", "P-256", "P-384", "P-521"}, key) {
					return nil
				}
				return fmt.Errorf("importing ACM Certificate: ValidationException: the key algorithm %s is not supported", key)
			},
		},
		{
			Name: "common-name-64", Types: []string{awsCertificate}, Test: "TestAWSNames",
			Does:   "Takes a first name of at most 64 characters on a certificate.",
			Source: request,
			Before: func(e *offline.Event) error {
				if name := text(e.Inputs, "domainName"); e.Operation == offline.Create && len(name) > 64 {
					return fmt.Errorf("InvalidDomainValidationOptionsException: The first domain name can be no longer than 64 characters: %q", name)
				}
				return nil
			},
		},
	}
}

// recordKey identifies a record.
func recordKey(e offline.Event) string {
	return text(e.Inputs, "zoneId") + " " + strings.TrimSuffix(text(e.Inputs, "name"), ".") + " " + text(e.Inputs, "type")
}

// alias returns the target of an alias record and the target's zone.
func alias(e offline.Event) (target, zone string) {
	aliases, _ := offline.Plain(e.Inputs)["aliases"].([]any)
	if len(aliases) == 0 {
		return "", ""
	}
	one, _ := aliases[0].(map[string]any)
	return fmt.Sprint(one["name"]), fmt.Sprint(one["zoneId"])
}
