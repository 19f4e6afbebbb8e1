// Package dodns points a stack's host names to its address, with records in the
// account's domains at DigitalOcean.
package dodns

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/service"
)

// Choice is a target's settings about domains.
type Choice struct {
	// Key is the path of the setting with the domain, for messages
	// ("doks.domain").
	Key string
	// Domain is the setting. Default "": each name's domain is the longest one that
	// the host name ends with.
	Domain string
	// Names are the host names that need records.
	Names []string
}

// NewChoice returns the choice of domains for the service's names. It has no names if
// the stack makes no records.
func NewChoice(key, domain string, spec service.Spec) Choice {
	choice := Choice{Key: key, Domain: domain}
	if spec.MakesRecords(domain) {
		choice.Names = spec.HostNames()
	}
	return choice
}

// Domains maps host names to what the account has for each of them.
type Domains map[string]Domain

// Domain is the domain of one host name.
type Domain struct {
	// Name is the domain's name. Record is the record's name in it: "@" or "api".
	Name, Record string
	// Existing are the values of the A and CNAME records that the host name has.
	Existing []string
}

var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Violations returns the problems that can be found without calling
// DigitalOcean.
func (c Choice) Violations() service.Violations {
	var v service.Violations
	switch {
	case c.Domain == "":
	case !domainName.MatchString(c.Domain):
		v.Add(c.Key, "%q is not a domain; for example \"example.com\"", c.Domain)
	case len(c.Names) == 0:
		v.Add("service.host", "is not set, but %s is: say which host to make the record for", c.Key)
	default:
		for _, name := range c.Names {
			if !within(name, c.Domain) {
				v.Add(c.Key, "%q does not hold %s; leave it out to look each name's domain up", c.Domain, name)
			}
		}
	}
	return v
}

func within(name, domain string) bool { return name == domain || strings.HasSuffix(name, "."+domain) }

// relative returns a host name's record in its domain.
func relative(name, domain string) string {
	if name == domain {
		return "@"
	}
	return strings.TrimSuffix(name, "."+domain)
}

// notFound is part of the provider's message (datasource_domain.go).
const notFound = "domain not found"

// Lookup finds the domains of all names.
func (c Choice) Lookup(ctx *pulumi.Context, ask pulumi.InvokeOption) (Domains, service.Violations) {
	var v service.Violations
	domains := Domains{}
	owned := map[string]bool{}
	find := func(domain string) (bool, error) {
		if known, asked := owned[domain]; asked {
			return known, nil
		}
		_, err := digitalocean.LookupDomain(ctx, &digitalocean.LookupDomainArgs{Name: domain}, ask)
		if err != nil && !strings.Contains(err.Error(), notFound) {
			return false, err
		}
		owned[domain] = err == nil
		return err == nil, nil
	}
	for _, name := range c.Names {
		domain, err := c.domain(name, find)
		if err != nil {
			v.Add(c.Key, "%s", err)
			continue
		}
		found := Domain{Name: domain, Record: relative(name, domain)}
		if found.Existing, err = existing(ctx, found, ask); err != nil {
			v.Add(c.Key, "looking up the records of %s failed: %s", name, err)
			continue
		}
		domains[name] = found
	}
	return domains, v
}

// domain returns the domain of a name.
func (c Choice) domain(name string, find func(string) (bool, error)) (string, error) {
	candidates := []string{c.Domain}
	if c.Domain == "" {
		candidates = nil
		for rest := name; strings.Contains(rest, "."); _, rest, _ = strings.Cut(rest, ".") {
			candidates = append(candidates, rest)
		}
	}
	for _, candidate := range candidates {
		owned, err := find(candidate)
		if err != nil {
			return "", fmt.Errorf("looking up the domain of %s failed: %w", name, err)
		}
		if owned {
			return candidate, nil
		}
	}
	if c.Domain != "" {
		return "", fmt.Errorf("the account has no domain %q (doctl compute domain list)", c.Domain)
	}
	return "", fmt.Errorf("the account has no domain for %s (doctl compute domain list); make the record elsewhere, without service.dns, or add the domain", name)
}

// existing returns the values of the records that a host name has.
func existing(ctx *pulumi.Context, domain Domain, ask pulumi.InvokeOption) ([]string, error) {
	found, err := digitalocean.GetRecords(ctx, &digitalocean.GetRecordsArgs{
		Domain: domain.Name, Filters: []digitalocean.GetRecordsFilter{
			{Key: "name", Values: []string{domain.Record}},
			{Key: "type", Values: []string{"A", "CNAME"}},
		},
	}, ask)
	if err != nil {
		return nil, err
	}
	var values []string
	for _, record := range found.Records {
		values = append(values, record.Value)
	}
	slices.Sort(values)
	return values, nil
}

// ttl is the time in seconds that resolvers may keep a record.
const ttl = 300

// Addresses registers an A record for each of the service's names. address is the
// stack's stable IP address; it should resolve only once the service serves there.
//
// DigitalOcean answers with all records of a name. So a record that is not the
// stack's fails the update before another one is made.
func Addresses(c *deploy.Component, domains Domains, address pulumi.StringOutput) ([]pulumi.Resource, error) {
	before, _ := c.Request.Outputs[deploy.OutputAddress].(string)
	var records []pulumi.Resource
	for _, name := range c.Request.Spec.HostNames() {
		domain := domains[name]
		checked := address.ApplyT(func(address string) (string, error) {
			return address, domain.checkRecords(name, address, before)
		}).(pulumi.StringOutput)
		// A renamed service keeps its records. With a second record, DigitalOcean
		// would answer with both addresses.
		part, renamed := c.StableName("dns-" + name)
		record, err := digitalocean.NewDnsRecord(c.Ctx, part, &digitalocean.DnsRecordArgs{
			Domain: pulumi.String(domain.Name),
			Name:   pulumi.String(domain.Record),
			Type:   pulumi.String("A"),
			Value:  checked,
			Ttl:    pulumi.Int(ttl),
		}, c.Options(renamed)...)
		if err != nil {
			return nil, fmt.Errorf("registering the record of %s: %w", name, err)
		}
		records = append(records, record)
	}
	return records, nil
}

// checkRecords returns an error if a name has a record that is not the stack's. before is
// the stack's address after the last update, or "".
func (d Domain) checkRecords(name, address, before string) error {
	for _, value := range d.Existing {
		if value != address && value != before {
			return fmt.Errorf("%s already leads to %s, by a record that is not this stack's, and DigitalOcean would answer with both addresses; remove it (doctl compute domain records list %s), and update again: the service serves at %s",
				name, value, d.Name, address)
		}
	}
	return nil
}
