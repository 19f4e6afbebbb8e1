// Package awsdns points a stack's host names to its address, with records in the
// account's public hosted zones of Route 53.
package awsdns

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// Choice is a target's settings about zones.
type Choice struct {
	// Key is the path of the setting with the zone, for messages ("eks.zone").
	Key string
	// Zone is the setting: the id or the name of a public hosted zone. Default "":
	// each name's zone is the longest zone name that the host name ends with.
	Zone string
	// Names are the host names that need records.
	Names []string
}

// Zones maps host names to the ids of their zones.
type Zones map[string]string

var (
	zoneID   = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)
	zoneName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// Violations returns the problems that can be found without calling AWS.
func (c Choice) Violations() service.Violations {
	var v service.Violations
	if c.Zone == "" {
		return v
	}
	if !zoneID.MatchString(c.Zone) && !zoneName.MatchString(c.Zone) {
		v.Add(c.Key, "%q is neither the id (Z…) nor the name of a hosted zone; for example \"example.com\"", c.Zone)
		return v
	}
	if len(c.Names) == 0 {
		v.Add("service.host", "is not set, but %s is: say which host to make the record for", c.Key)
	}
	if zoneID.MatchString(c.Zone) {
		return v
	}
	for _, name := range c.Names {
		if !within(name, c.Zone) {
			v.Add(c.Key, "%q does not hold %s; leave it out to look each name's zone up", c.Zone, name)
		}
	}
	return v
}

// within reports whether a name belongs to the zone with that name.
func within(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }

// Lookup finds the zones of all names. It warns about a zone that is not delegated to
// Route 53.
func (c Choice) Lookup(ctx *pulumi.Context, ask pulumi.InvokeOption) (Zones, service.Violations) {
	var v service.Violations
	l := lookup{ctx: ctx, ask: ask, zones: map[string]*route53.LookupZoneResult{}}
	zones := Zones{}
	for _, name := range c.Names {
		zone, problem := l.zone(c.Zone, name)
		if problem != "" {
			v.Add(c.Key, "%s", problem)
			continue
		}
		zones[name] = zone.ZoneId
	}
	return zones, v
}

// lookup looks up zones, and looks up each zone only once.
type lookup struct {
	ctx *pulumi.Context
	ask pulumi.InvokeOption
	// zones maps an id or a name to its zone, or to nil if there is none.
	zones map[string]*route53.LookupZoneResult
}

// zone returns the zone of a name, or the problem.
func (l lookup) zone(chosen, name string) (*route53.LookupZoneResult, string) {
	if chosen != "" {
		zone, err := l.find(chosen)
		switch {
		case err != nil:
			return nil, fmt.Sprintf("%q is not available: %s", chosen, err)
		case zone == nil:
			return nil, fmt.Sprintf("the account has no public hosted zone %q (aws route53 list-hosted-zones)", chosen)
		case zone.PrivateZone != nil && *zone.PrivateZone:
			return nil, fmt.Sprintf("%q is a private zone, which the internet does not see", chosen)
		case zone.Name != "" && !within(name, zone.Name):
			return nil, fmt.Sprintf("%q is the zone of %s, which does not hold %s", chosen, zone.Name, name)
		}
		return zone, ""
	}
	for rest := name; strings.Contains(rest, "."); _, rest, _ = strings.Cut(rest, ".") {
		zone, err := l.find(rest)
		if err != nil {
			return nil, fmt.Sprintf("looking up the zone of %s failed: %s", name, err)
		}
		if zone != nil {
			return zone, ""
		}
	}
	return nil, fmt.Sprintf("the account has no public hosted zone for %s (aws route53 list-hosted-zones); make the record elsewhere, without service.dns, or make the zone", name)
}

// These are parts of the provider's messages (zone_data_source.go).
const (
	noZone    = "no matching Route 53 Hosted Zone found"
	manyZones = "multiple Route 53 Hosted Zones matched"
)

// find returns the zone with an id or a name, or nil.
func (l lookup) find(zone string) (*route53.LookupZoneResult, error) {
	if found, answered := l.zones[zone]; answered {
		return found, nil
	}
	args := &route53.LookupZoneArgs{Name: &zone}
	if zoneID.MatchString(zone) {
		args = &route53.LookupZoneArgs{ZoneId: &zone}
	}
	found, err := route53.LookupZone(l.ctx, args, l.ask)
	switch {
	case err != nil && strings.Contains(err.Error(), noZone):
		found = nil
	case err != nil && strings.Contains(err.Error(), manyZones):
		return nil, fmt.Errorf("the account has several zones %q; give the id of one", zone)
	case err != nil:
		return nil, err
	default:
		l.delegation(found)
	}
	l.zones[zone] = found
	return found, nil
}

// delegationTimeout is the time limit for looking up a zone's name servers in DNS.
const delegationTimeout = 3 * time.Second

// delegation warns if DNS delegates the zone to other name servers than its own.
// The zone's records would then be invisible, and no certificate would be issued.
func (l lookup) delegation(zone *route53.LookupZoneResult) {
	if len(zone.NameServers) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(l.ctx.Context(), delegationTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNS(ctx, zone.Name)
	if err != nil {
		// This computer may have no DNS.
		return
	}
	var servers []string
	for _, ns := range found {
		servers = append(servers, strings.TrimSuffix(strings.ToLower(ns.Host), "."))
	}
	if problem := undelegated(zone.Name, servers, zone.NameServers); problem != "" {
		// A failure to show the warning is not an error.
		_ = l.ctx.Log.Warn(problem, nil)
	}
}

// undelegated describes a zone whose own name servers are not those that DNS
// returned (answered), or returns "".
func undelegated(zone string, answered, own []string) string {
	if len(answered) == 0 || len(own) == 0 || slices.ContainsFunc(own, func(ns string) bool {
		return slices.Contains(answered, strings.TrimSuffix(strings.ToLower(ns), "."))
	}) {
		return ""
	}
	slices.Sort(answered)
	return fmt.Sprintf("the internet asks %s for %s, and not the zone in this account, whose name servers are %s: its records do nothing until the registrar or the zone above names these",
		strings.Join(answered, ", "), zone, strings.Join(own, ", "))
}

// ttl is the time in seconds that resolvers may keep a record.
const ttl = 300

// Addresses registers an A record for each of the service's names. address is the
// stack's stable IP address; it should resolve only once the service serves there.
func Addresses(r Registrar, zones Zones, address pulumi.StringInput) ([]pulumi.Resource, error) {
	return r.records(zones, func(args *route53.RecordArgs) {
		args.Ttl = pulumi.Int(ttl)
		args.Records = pulumi.StringArray{address}
	})
}

// Aliases registers an alias record for each of the service's names, which may be
// the top of a zone. balancer is the load balancer's host name. balancerZone is the id
// of the zone that this name is in.
func Aliases(r Registrar, zones Zones, balancer pulumi.StringInput, balancerZone string) ([]pulumi.Resource, error) {
	return r.records(zones, func(args *route53.RecordArgs) {
		args.Aliases = route53.RecordAliasArray{&route53.RecordAliasArgs{
			Name:   balancer,
			ZoneId: pulumi.String(balancerZone),
			// There is no other load balancer to send requests to.
			EvaluateTargetHealth: pulumi.Bool(false),
		}}
	})
}

// records registers one A record for each of the service's names. For another host,
// the new record is made before the old one is deleted.
func (r Registrar) records(zones Zones, set func(*route53.RecordArgs)) ([]pulumi.Resource, error) {
	var records []pulumi.Resource
	for _, name := range r.component.Request.Spec.HostNames() {
		args := &route53.RecordArgs{
			ZoneId: pulumi.String(zones[name]),
			Name:   pulumi.String(name),
			Type:   pulumi.String("A"),
		}
		set(args)
		record, err := r.Record("dns-"+name, args)
		if err != nil {
			return nil, fmt.Errorf("registering the record of %s: %w", name, err)
		}
		records = append(records, record)
	}
	return records, nil
}
