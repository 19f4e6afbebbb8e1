package awseks

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// running returns the stack's cluster, or nil if there is none.
func (d deployment) running(provider pulumi.InvokeOption) *eks.LookupClusterResult {
	name, _ := d.Request.Outputs[outputCluster].(string)
	if name == "" {
		return nil
	}
	cluster, err := eks.LookupCluster(d.Ctx, &eks.LookupClusterArgs{Name: name}, provider)
	if err != nil {
		// The cluster is gone or in another region, so the update creates one.
		d.warn("looking up cluster " + name + " failed: " + err.Error())
		return nil
	}
	return cluster
}

// place describes the network of a cluster.
type place struct {
	vpc string
	// zones are the availability zones of the cluster's subnets, sorted.
	zones []string
	// own means that the stack made the subnets, in the network that the settings
	// describe.
	own bool
}

// refuseMove refuses network changes that EKS does not accept for an existing
// cluster. The provider would create the new network first and then fail, at every
// update: EKS exchanges subnets only for others of the same VPC and the same zones
// ("View Amazon EKS networking requirements for VPC and subnets").
func (d deployment) refuseMove(cluster *eks.LookupClusterResult, v *service.Violations, provider pulumi.InvokeOption) {
	if cluster == nil {
		return
	}
	const advice = "EKS moves no cluster; set it back, and use a stack of its own for the other cluster"
	s := d.settings
	is, err := d.placeOf(cluster.VpcConfig.VpcId, cluster.VpcConfig.SubnetIds, provider)
	if err != nil {
		v.Add("eks.vpcId", "looking up the cluster's subnets failed: %s", err)
		return
	}
	if s.VPCID != "" {
		if is.vpc != s.VPCID {
			v.Add("eks.vpcId", "%s is another network than the cluster's, %s: %s", s.VPCID, is.vpc, advice)
			return
		}
		wanted, err := d.placeOf(s.VPCID, s.NodeSubnetIDs, provider)
		if err == nil && !slices.Equal(wanted.zones, is.zones) { // an unknown subnet is reported elsewhere
			v.Add("eks.nodeSubnetIds", "are in %s, but the cluster's zones are %s: %s", strings.Join(wanted.zones, ", "), strings.Join(is.zones, ", "), advice)
		}
		return
	}
	vpc, err := ec2.LookupVpc(d.Ctx, &ec2.LookupVpcArgs{Id: &is.vpc}, provider)
	switch {
	case err != nil:
		v.Add("eks.cidr", "looking up the cluster's network %s failed: %s", is.vpc, err)
	case vpc.CidrBlock != s.CIDR:
		v.Add("eks.cidr", "%q is another range than that of the cluster's network %s, %s: %s", s.CIDR, is.vpc, vpc.CidrBlock, advice)
	case !is.own:
		v.Add("eks.vpcId", "is not set, but the cluster is in %s: %s", is.vpc, advice)
	case len(is.zones) != s.Zones:
		v.Add("eks.zones", "%d is another number than that of the cluster's zones (%s): %s", s.Zones, strings.Join(is.zones, ", "), advice)
	}
}

// placeOf returns the place of a cluster with these subnets.
func (d deployment) placeOf(vpc string, subnets []string, provider pulumi.InvokeOption) (place, error) {
	at := place{vpc: vpc}
	for _, id := range subnets {
		subnet, err := ec2.LookupSubnet(d.Ctx, &ec2.LookupSubnetArgs{Id: &id}, provider)
		if err != nil {
			return at, err
		}
		at.zones = append(at.zones, subnet.AvailabilityZone)
		for n := range maxZones {
			own := layout(d.settings.CIDR, n)
			at.own = at.own || subnet.CidrBlock == own.public || subnet.CidrBlock == own.private
		}
	}
	slices.Sort(at.zones)
	at.zones = slices.Compact(at.zones)
	return at, nil
}
