// Package dovpc puts a target on DigitalOcean into a VPC: the region's default
// VPC, an existing one, or one that the stack creates.
package dovpc

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/service"
)

// Choice is a target's VPC settings.
type Choice struct {
	// Section is the key of the target's settings, for messages.
	Section string
	// Region is the target's region.
	Region string
	// ID is the id of an existing VPC, or "".
	ID string
	// CIDR is the range of a new VPC, or "". With neither ID nor CIDR, the VPC is
	// the region's default VPC, which DigitalOcean makes with the region's first
	// Droplet.
	CIDR string
	// MaxBits is the limit of the range's prefix length.
	MaxBits int
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Violations returns the problems that can be found without calling
// DigitalOcean.
func (c Choice) Violations() service.Violations {
	var v service.Violations
	if c.CIDR != "" {
		deploy.CIDRRule{Widest: 16, Narrowest: c.MaxBits, Example: "10.20.0.0/20"}.Check(&v, c.Section+".cidr", c.CIDR)
	}
	if c.ID != "" && !uuid.MatchString(c.ID) {
		v.Add(c.Section+".vpc", "%q is not the id of a VPC; `doctl vpcs list` shows it", c.ID)
	}
	if c.ID != "" && c.CIDR != "" {
		v.Add(c.Section+".vpc", "is set together with %s.cidr, which makes another VPC; remove one of them", c.Section)
	}
	return v
}

// Check checks with DigitalOcean that the VPC exists, or that a new VPC can be
// created and removed again. The first VPC of a region becomes its default VPC,
// which DigitalOcean never deletes.
func (c Choice) Check(ctx *pulumi.Context, ask pulumi.InvokeOption) service.Violations {
	var v service.Violations
	switch {
	case c.ID != "":
		vpc, err := digitalocean.LookupVpc(ctx, &digitalocean.LookupVpcArgs{Id: &c.ID}, ask)
		switch {
		case err != nil:
			v.Add(c.Section+".vpc", "the account has no VPC %q (doctl vpcs list): %s", c.ID, err)
		case vpc.Region != c.Region:
			v.Add(c.Section+".vpc", "%q is in %s, not in %s.region %s", c.ID, vpc.Region, c.Section, c.Region)
		}
	case c.CIDR != "":
		if _, err := digitalocean.LookupVpc(ctx, &digitalocean.LookupVpcArgs{Region: &c.Region}, ask); err != nil {
			v.Add(c.Section+".cidr", "region %s has no default VPC yet, so a VPC made here would become it, and could never be destroyed; take cidr out, or make a VPC yourself and name it in %s.vpc: %s", c.Region, c.Section, err)
		}
	}
	return v
}

// Description describes the VPC that the stack creates: "fra1 10.20.0.0/20".
func (c Choice) Description() string { return c.Region + " " + c.CIDR }

// CheckOverlap reports a new range that overlaps with that of the stack's current VPC.
// current is what Description returned for the current VPC, or "". The stack needs both VPCs
// until it has moved, and DigitalOcean refuses overlapping ranges in an account.
func (c Choice) CheckOverlap(current string) service.Violations {
	var v service.Violations
	region, cidr, _ := strings.Cut(current, " ")
	has, errHas := netip.ParsePrefix(cidr)
	wanted, errWanted := netip.ParsePrefix(c.CIDR)
	if errHas == nil && errWanted == nil && current != c.Description() && has.Overlaps(wanted) {
		v.Add(c.Section+".cidr", "%q overlaps with %s, the range of the stack's VPC in %s, which serves until the stack has moved; DigitalOcean takes no overlapping ranges in an account: choose another one", c.CIDR, cidr, region)
	}
	return v
}

// Mismatch returns "" if the VPC with this id is the chosen VPC, and otherwise a
// description of the VPC with this id.
func (c Choice) Mismatch(ctx *pulumi.Context, id string, ask pulumi.InvokeOption) (string, error) {
	vpc, err := digitalocean.LookupVpc(ctx, &digitalocean.LookupVpcArgs{Id: &id}, ask)
	if err != nil {
		return "", fmt.Errorf("asking for VPC %s: %w", id, err)
	}
	switch {
	case c.ID != "" && c.ID == id, c.CIDR != "" && c.CIDR == vpc.IpRange, c.ID == "" && c.CIDR == "" && vpc.Default:
		return "", nil
	default:
		return fmt.Sprintf("%s (%s)", id, vpc.IpRange), nil
	}
}

// Register returns the id of the VPC, or nil for the region's default VPC.
// deleteTimeout is the time limit for deleting a VPC that the stack created.
// DigitalOcean refuses to delete a VPC while a resource that is being deleted is
// still in it, and the provider retries for only two minutes by default.
func (c Choice) Register(ctx *pulumi.Context, name, deleteTimeout string, opts ...pulumi.ResourceOption) (pulumi.StringPtrInput, error) {
	switch {
	case c.ID != "":
		return pulumi.String(c.ID), nil
	case c.CIDR == "":
		return nil, nil
	}
	vpc, err := digitalocean.NewVpc(ctx, name, &digitalocean.VpcArgs{
		Region:  pulumi.String(c.Region),
		IpRange: pulumi.String(c.CIDR),
	}, append(opts, pulumi.Timeouts(&pulumi.CustomTimeouts{Delete: deleteTimeout}))...)
	if err != nil {
		return nil, fmt.Errorf("registering the VPC: %w", err)
	}
	return vpc.ID().ToStringOutput().ToStringPtrOutput(), nil
}
