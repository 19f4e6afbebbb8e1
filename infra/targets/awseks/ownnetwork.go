package awseks

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/awsaccount"
	"escala/service"
)

// checkVPC checks that the settings about an existing VPC fit each other.
func (s Settings) checkVPC(v *service.Violations) {
	lists := map[string][]string{"eks.publicSubnetIds": s.PublicSubnetIDs, "eks.nodeSubnetIds": s.NodeSubnetIDs}
	for _, path := range []string{"eks.publicSubnetIds", "eks.nodeSubnetIds"} {
		ids := lists[path]
		switch {
		case s.VPCID == "" && len(ids) > 0:
			v.Add(path, "is set, but eks.vpcId is not: say whose subnets they are")
		case s.VPCID != "" && len(ids) < 2:
			v.Add(path, "has %d subnets; EKS needs two, in different zones", len(ids))
		}
		for _, id := range ids {
			awsaccount.CheckSubnet(v, path, id)
		}
	}
	if s.VPCID != "" {
		awsaccount.CheckVPC(v, "eks.vpcId", s.VPCID)
	}
}

// checkNetwork checks an existing VPC against the settings and the requirements of
// EKS.
func (d deployment) checkNetwork(v *service.Violations, provider pulumi.InvokeOption) {
	s := d.settings
	vpc, err := ec2.LookupVpc(d.Ctx, &ec2.LookupVpcArgs{Id: &s.VPCID}, provider)
	if err != nil {
		v.Add("eks.vpcId", "%s is not available in %s: %s", s.VPCID, s.Region, err)
		return
	}
	if vpc.CidrBlock != s.CIDR {
		v.Add("eks.cidr", "is %q, but %s has %q; set that, since the service trusts the load balancer by it", s.CIDR, s.VPCID, vpc.CidrBlock)
	}
	if !vpc.EnableDnsHostnames || !vpc.EnableDnsSupport {
		v.Add("eks.vpcId", "%s has DNS names or DNS resolution turned off; EKS needs both", s.VPCID)
	}
	d.checkSubnets(v, "eks.publicSubnetIds", s.PublicSubnetIDs, provider)
	d.checkSubnets(v, "eks.nodeSubnetIds", s.NodeSubnetIDs, provider)
}

func (d deployment) checkSubnets(v *service.Violations, path string, ids []string, provider pulumi.InvokeOption) {
	var zones []string
	for _, id := range ids {
		subnet, err := ec2.LookupSubnet(d.Ctx, &ec2.LookupSubnetArgs{Id: &id}, provider)
		switch {
		case err != nil:
			v.Add(path, "%s is not available in %s: %s", id, d.settings.Region, err)
			continue
		case subnet.VpcId != d.settings.VPCID:
			v.Add(path, "%s is a subnet of %s, not of eks.vpcId %s", id, subnet.VpcId, d.settings.VPCID)
		case slices.Contains(unfitZones, subnet.AvailabilityZoneId):
			v.Add(path, "%s is in %s, in which EKS takes no subnets", id, subnet.AvailabilityZoneId)
		}
		zones = append(zones, subnet.AvailabilityZone)
	}
	slices.Sort(zones)
	if zones = slices.Compact(zones); len(zones) == 1 && len(ids) > 1 {
		v.Add(path, "are all in %s; EKS needs two zones", strings.Join(zones, ", "))
	}
}

// ownNetwork returns the VPC of the settings. The stack owns nothing in it. The
// VPC's owner provides the routes and the access to images.
func (d deployment) ownNetwork() network {
	return network{
		public: pulumi.ToStringArray(d.settings.PublicSubnetIDs),
		nodes:  pulumi.ToStringArray(d.settings.NodeSubnetIDs),
	}
}
