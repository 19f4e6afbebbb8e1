package cloudfake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

const (
	doRecord      = "digitalocean:index/dnsRecord:DnsRecord"
	doCertificate = "digitalocean:index/certificate:Certificate"
	helmRelease   = "kubernetes:helm.sh/v3:Release"

	balancerAnnotation = "service.beta.kubernetes.io/do-loadbalancer-"
)

// Domain adds a domain to the account.
func (d *DigitalOcean) Domain(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.domains[name] = true
}

// Record makes a record outside of Pulumi.
func (d *DigitalOcean) Record(domain, name, kind, value string) {
	d.record(offline.Event{Operation: offline.Create, Type: doRecord, ID: "by hand " + name + value, Inputs: resource.NewPropertyMapFromMap(map[string]any{
		"domain": domain, "name": name, "type": kind, "value": value,
	})})
}

func (d *DigitalOcean) hasDomain(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.domains[name]
}

func (d *DigitalOcean) getDomain(args resource.PropertyMap) (resource.PropertyMap, error) {
	name := text(args, "name")
	if !d.hasDomain(name) {
		return nil, fmt.Errorf("domain not found: GET https://api.digitalocean.com/v2/domains/%s: 404 The resource you were accessing could not be found.", name) //nolint:revive,staticcheck // as the provider says it
	}
	return resource.NewPropertyMapFromMap(map[string]any{"id": name, "name": name, "domainUrn": "do:domain:" + name, "ttl": 1800, "zoneFile": ""}), nil
}

// getRecords answers with the records of a domain that match all filters.
func (d *DigitalOcean) getRecords(args resource.PropertyMap) (resource.PropertyMap, error) {
	plain := offline.Plain(args)
	filters, _ := plain["filters"].([]any)
	records := []any{}
	for _, e := range d.OfType(doRecord) {
		fits := text(e.Inputs, "domain") == text(args, "domain")
		for _, one := range filters {
			filter, _ := one.(map[string]any)
			values, _ := filter["values"].([]any)
			fits = fits && slices.ContainsFunc(values, func(v any) bool { return v == text(e.Inputs, fmt.Sprint(filter["key"])) })
		}
		if fits {
			records = append(records, map[string]any{
				"domain": text(e.Inputs, "domain"), "name": text(e.Inputs, "name"), "type": text(e.Inputs, "type"), "value": text(e.Inputs, "value"),
				"flags": 0, "id": 1, "port": 0, "priority": 0, "tag": "", "ttl": 300, "weight": 0,
			})
		}
	}
	return resource.NewPropertyMapFromMap(map[string]any{"id": "recorded", "domain": text(args, "domain"), "records": records}), nil
}

// dns returns the behaviours of DigitalOcean's DNS and of its certificates.
func (d *DigitalOcean) dns() []Behaviour {
	return []Behaviour{
		{
			Name: "domain-must-be-there", Test: "TestDigitalOceanNames", Types: []string{doRecord, doCertificate},
			Does:   "Takes records, and gets certificates, only for domains that the account has.",
			Source: doReference + "#tag/Certificates/operation/certificates_create",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Create {
					return nil
				}
				if domain := text(e.Inputs, "domain"); e.Type == doRecord && !d.hasDomain(domain) {
					return errors.New("Failed to create record: 404 The resource you were accessing could not be found.") //nolint:revive,staticcheck // as the provider says it
				}
				for _, name := range certified(*e) {
					if !d.containsName(name) {
						return fmt.Errorf("Error creating Certificate: 422 the domain of %s is not managed by DigitalOcean", name) //nolint:staticcheck // as the provider says it
					}
				}
				return nil
			},
		},
		{
			Name: "records-add-up", Test: "TestDigitalOceanNames", Types: []string{doRecord},
			Does:   "Takes another A record of a name that has one, and answers with both.",
			Source: doReference + "#tag/Domain-Records/operation/domains_create_record",
			After: func(e *offline.Event) bool {
				return e.Operation == offline.Create && slices.ContainsFunc(d.OfType(doRecord), func(other offline.Event) bool {
					return other.ID != e.ID && text(other.Inputs, "domain") == text(e.Inputs, "domain") && text(other.Inputs, "name") == text(e.Inputs, "name")
				})
			},
		},
		{
			Name: "certificate-takes-the-apex", Test: "TestDigitalOceanNames", Types: []string{helmRelease},
			Does:   "Makes an A record at the top of the domain when a load balancer gets a Let's Encrypt certificate, unless the Service's annotation disable-lets-encrypt-dns-records says no.",
			Source: "https://github.com/digitalocean/digitalocean-cloud-controller-manager/pull/390",
			After: func(e *offline.Event) bool {
				annotations := serviceAnnotations(*e)
				name := annotations[balancerAnnotation+"certificate-name"]
				return e.Operation != offline.Delete && annotations[balancerAnnotation+"disable-lets-encrypt-dns-records"] != "true" &&
					slices.ContainsFunc(d.OfType(doCertificate), func(c offline.Event) bool { return c.ID == name && len(certified(c)) > 0 })
			},
		},
		{
			Name: "certificate-in-use", Test: "TestDigitalOceanNames", Types: []string{doCertificate},
			Does:   "Deletes no certificate that a load balancer has; the provider tries for 15 minutes.",
			Source: "https://github.com/digitalocean/terraform-provider-digitalocean/blob/main/digitalocean/certificate/resource_certificate.go",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Delete {
					return nil
				}
				for _, release := range d.OfType(helmRelease) {
					if serviceAnnotations(release)[balancerAnnotation+"certificate-name"] == e.ID {
						return errors.New("Error deleting Certificate: 403 Make sure the certificate is not in use before deleting it") //nolint:staticcheck // as the provider says it
					}
				}
				return nil
			},
		},
		{
			Name: "certificate-name-taken", Test: "TestDigitalOceanNames", Types: []string{doCertificate},
			Does:   "Refuses a certificate with the name of another one.",
			Source: "https://www.pulumi.com/registry/packages/digitalocean/api-docs/loadbalancer/",
			Before: d.taken(doCertificate, "Error creating Certificate: 409 certificate name already exists"),
		},
	}
}

// certified returns the names of a certificate from Let's Encrypt.
func certified(certificate offline.Event) []string {
	var names []string
	if text(certificate.Inputs, "type") == "lets_encrypt" {
		list, _ := offline.Plain(certificate.Inputs)["domains"].([]any)
		for _, one := range list {
			names = append(names, fmt.Sprint(one))
		}
	}
	return names
}

// containsName reports whether a domain of the account contains a name.
func (d *DigitalOcean) containsName(name string) bool {
	for rest := name; rest != ""; _, rest, _ = strings.Cut(rest, ".") {
		if d.hasDomain(rest) {
			return true
		}
	}
	return false
}

// serviceAnnotations returns the annotations of the Service in a chart's values.
func serviceAnnotations(release offline.Event) map[string]string {
	values, _ := offline.Plain(release.Inputs)["values"].(map[string]any)
	service, _ := values["service"].(map[string]any)
	found, _ := service["annotations"].(map[string]any)
	all := map[string]string{}
	for key, value := range found {
		all[key] = fmt.Sprint(value)
	}
	return all
}
