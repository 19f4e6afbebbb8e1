package awseks

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/awsaccount"
)

// network is the network that the cluster is in.
type network struct {
	// public are the load balancer's subnets. nodes are the nodes' subnets.
	public, nodes pulumi.StringArray
	// online are the resources that must exist as long as nodes do. Without them
	// nodes can reach neither the cluster nor the image.
	online []pulumi.Resource
}

// zone holds the subnets of one availability zone.
type zone struct {
	number          int
	public, private *ec2.Subnet
}

func (d deployment) network() (network, error) {
	none := network{}
	if d.settings.VPCID != "" {
		return d.ownNetwork(), nil
	}
	// EKS needs DNS names and DNS resolution, which the VPC has.
	vpc, gateway, err := awsaccount.VPC(d.Component, d.settings.CIDR)
	if err != nil {
		return none, err
	}
	// The VPC's default security group lets its members reach each other. It is not
	// used, so it gets no rules.
	if _, err := ec2.NewDefaultSecurityGroup(d.Ctx, d.Name("unused"), &ec2.DefaultSecurityGroupArgs{
		VpcId: vpc.ID(),
		Tags:  d.NameTag("unused", nil),
	}, d.Options()...); err != nil {
		return none, fmt.Errorf("closing the network's default security group: %w", err)
	}
	var net network
	var zones []zone
	for number := range d.settings.Zones {
		z, err := d.zone(vpc, number)
		if err != nil {
			return none, err
		}
		zones = append(zones, z)
		net.public = append(net.public, z.public.ID())
		if z.private != nil {
			net.nodes = append(net.nodes, z.private.ID())
		} else {
			net.nodes = append(net.nodes, z.public.ID())
		}
	}
	net.online, err = d.routes(vpc, gateway, zones)
	return net, err
}

// zone registers the subnets of one availability zone.
func (d deployment) zone(vpc *ec2.Vpc, number int) (zone, error) {
	z := zone{number: number}
	ranges := layout(d.settings.CIDR, number)
	var err error
	// Without NAT, nodes need public addresses. Load balancers find their
	// subnets by these tags.
	if z.public, err = d.subnet(vpc, number, "public", ranges.public, d.settings.NAT == NATNone, "kubernetes.io/role/elb"); err != nil {
		return z, err
	}
	if d.settings.NAT != NATNone {
		z.private, err = d.subnet(vpc, number, "private", ranges.private, false, "kubernetes.io/role/internal-elb")
	}
	return z, err
}

func (d deployment) subnet(vpc *ec2.Vpc, number int, kind, cidr string, addresses bool, role string) (*ec2.Subnet, error) {
	part := fmt.Sprintf("%s-%d", kind, number)
	subnet, err := ec2.NewSubnet(d.Ctx, d.Name(part), &ec2.SubnetArgs{
		VpcId:               vpc.ID(),
		CidrBlock:           pulumi.String(cidr),
		AvailabilityZone:    pulumi.String(d.lookup.zones[number]),
		MapPublicIpOnLaunch: pulumi.Bool(addresses),
		Tags:                d.NameTag(part, map[string]string{role: "1"}),
		// The list of zones changes when a zone is new or out of order. That must not
		// move existing subnets.
	}, d.Options(pulumi.IgnoreChanges([]string{"availabilityZone"}))...)
	if err != nil {
		return nil, fmt.Errorf("registering subnet %s: %w", part, err)
	}
	return subnet, nil
}
