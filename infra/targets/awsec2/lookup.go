package awsec2

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/awsaccount"
	"escala/infra/deploy/awsdns"
	"escala/service"
)

// lookup holds AWS' answers from before anything was registered.
type lookup struct {
	// ami is the image for a new machine.
	ami string
	// vpc is the VPC of SubnetID; "" without SubnetID.
	vpc string
	// zone is the availability zone of the stack's own subnet.
	zone string
	// account is the account that the stack is in.
	account awsaccount.Account
	// dns are the zones of the service's names.
	dns awsdns.Zones
}

// debianOwner is the AWS account that publishes Debian's images
// (wiki.debian.org/Cloud/AmazonEC2Image).
const debianOwner = "136693071363"

// awsArch maps Go's names of architectures to AWS' names.
var awsArch = map[string]string{"arm64": "arm64", "amd64": "x86_64"}

// ask checks with AWS that the settings fit each other and the account. It
// reports all problems at once.
func (d deployment) ask() (lookup, error) {
	var f lookup
	var v service.Violations
	provider := pulumi.Provider(d.Provider)
	s := d.settings
	arch := awsArch[s.Arch]

	var err error
	if f.account, err = awsaccount.Ask(d.Component); err != nil {
		return f, err
	}
	if choice := s.zones(d.Request.Spec); len(choice.Names) > 0 {
		f.dns, v = choice.Lookup(d.Ctx, provider)
	}

	if kind, err := ec2.GetInstanceType(d.Ctx, &ec2.GetInstanceTypeArgs{InstanceType: s.instanceType()}, provider); err != nil {
		v.Add("aws.instanceType", "%q is not available in %s: %s", s.instanceType(), s.Region, err)
	} else if !slices.Contains(kind.SupportedArchitectures, arch) {
		v.Add("aws.instanceType", "%q is for %v, but aws.arch is %q", s.instanceType(), kind.SupportedArchitectures, s.Arch)
	}

	if image, err := ec2.LookupAmi(d.Ctx, s.imageQuery(), provider); err != nil {
		v.Add("aws.ami", "no such image in %s (outside of AWS' public regions, set aws.ami): %s", s.Region, err)
	} else {
		f.ami = image.Id
		if image.Architecture != arch {
			v.Add("aws.ami", "%s is an image for %s, but aws.arch is %q", image.Id, image.Architecture, s.Arch)
		}
	}

	zones, err := d.typeZones(provider)
	if err != nil {
		v.Add("aws.instanceType", "looking up the zones that have %q failed: %s", s.instanceType(), err)
		return f, v.Err()
	}
	if s.SubnetID != "" {
		f.vpc = d.checkSubnet(&v, zones, provider)
	} else {
		f.zone = d.zone(&v, zones)
	}
	return f, v.Err()
}

// typeZones returns the zones of the region that offer the instance type,
// sorted.
func (d deployment) typeZones(provider pulumi.InvokeOption) ([]string, error) {
	location := "availability-zone"
	offered, err := ec2.GetInstanceTypeOfferings(d.Ctx, &ec2.GetInstanceTypeOfferingsArgs{
		LocationType: &location,
		Filters:      []ec2.GetInstanceTypeOfferingsFilter{{Name: "instance-type", Values: []string{d.settings.instanceType()}}},
	}, provider)
	if err != nil {
		return nil, err
	}
	zones := slices.Clone(offered.Locations)
	slices.Sort(zones)
	return slices.Compact(zones), nil
}

// zone chooses the zone of the stack's own subnet. Not every zone offers every
// instance type.
func (d deployment) zone(v *service.Violations, zones []string) string {
	s := d.settings
	current, _ := d.Request.Outputs[outputZone].(string)
	switch {
	case len(zones) == 0:
		v.Add("aws.instanceType", "no zone of %s has %q", s.Region, s.instanceType())
	case s.Zone != "" && !slices.Contains(zones, s.Zone):
		v.Add("aws.zone", "%s does not have %q; these do: %s", s.Zone, s.instanceType(), strings.Join(zones, ", "))
	case s.Zone != "":
		return s.Zone
	case current != "" && strings.HasPrefix(current, s.Region) && !slices.Contains(zones, current):
		v.Add("aws.zone", "the machine's subnet is in %s, which does not have %q; set one of: %s", current, s.instanceType(), strings.Join(zones, ", "))
	default:
		return zones[0]
	}
	return ""
}

// checkSubnet checks an existing subnet against the settings and returns its
// VPC.
func (d deployment) checkSubnet(v *service.Violations, zones []string, provider pulumi.InvokeOption) string {
	s := d.settings
	subnet, err := ec2.LookupSubnet(d.Ctx, &ec2.LookupSubnetArgs{Id: &s.SubnetID}, provider)
	if err != nil {
		v.Add("aws.subnetId", "%s is not available in %s: %s", s.SubnetID, s.Region, err)
		return ""
	}
	if s.VPCID != "" && s.VPCID != subnet.VpcId {
		v.Add("aws.subnetId", "%s is a subnet of %s, not of aws.vpcId %s", s.SubnetID, subnet.VpcId, s.VPCID)
	}
	if !slices.Contains(zones, subnet.AvailabilityZone) {
		v.Add("aws.subnetId", "%s is in %s, which does not have %q; these zones do: %s", s.SubnetID, subnet.AvailabilityZone, s.instanceType(), strings.Join(zones, ", "))
	}
	if public, err := d.public(subnet, provider); err != nil {
		v.Add("aws.subnetId", "looking up the routes of %s failed: %s", s.SubnetID, err)
	} else if !public {
		v.Add("aws.subnetId", "%s has no route to an internet gateway: the machine could neither fetch its packages nor be reached", s.SubnetID)
	}
	return subnet.VpcId
}

// public reports whether a subnet's traffic goes to an internet gateway. A
// subnet without a route table of its own uses the VPC's main one.
func (d deployment) public(subnet *ec2.LookupSubnetResult, provider pulumi.InvokeOption) (bool, error) {
	table, err := ec2.LookupRouteTable(d.Ctx, &ec2.LookupRouteTableArgs{SubnetId: &subnet.Id}, provider)
	if err != nil {
		table, err = ec2.LookupRouteTable(d.Ctx, &ec2.LookupRouteTableArgs{
			VpcId:   &subnet.VpcId,
			Filters: []ec2.GetRouteTableFilter{{Name: "association.main", Values: []string{"true"}}},
		}, provider)
	}
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(table.Routes, func(r ec2.GetRouteTableRoute) bool {
		return r.CidrBlock == "0.0.0.0/0" && strings.HasPrefix(r.GatewayId, "igw-")
	}), nil
}

func (s Settings) imageQuery() *ec2.LookupAmiArgs {
	yes := true
	if s.AMI != "" {
		return &ec2.LookupAmiArgs{
			IncludeDeprecated: &yes,
			Filters:           []ec2.GetAmiFilter{{Name: "image-id", Values: []string{s.AMI}}},
		}
	}
	return &ec2.LookupAmiArgs{
		MostRecent: &yes,
		Owners:     []string{debianOwner},
		Filters: []ec2.GetAmiFilter{
			{Name: "name", Values: []string{"debian-12-" + s.Arch + "-*"}},
			{Name: "architecture", Values: []string{awsArch[s.Arch]}},
		},
	}
}
