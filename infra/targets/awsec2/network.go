package awsec2

import (
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/awsaccount"
)

// network is the network that the machine is in.
type network struct {
	subnet pulumi.StringInput
	group  *ec2.SecurityGroup
	// online are the resources that the machine needs before it can download
	// packages.
	online []pulumi.Resource
}

func (d deployment) network() (network, error) {
	if d.settings.SubnetID != "" {
		group, err := d.securityGroup(pulumi.String(d.lookup.vpc))
		return network{subnet: pulumi.String(d.settings.SubnetID), group: group}, err
	}
	vpc, gateway, err := awsaccount.VPC(d.Component, d.settings.CIDR)
	if err != nil {
		return network{}, err
	}
	part, at := "public", firstSubnet(d.settings.CIDR)
	options := d.Options(
		// The zone is chosen only for a new subnet. Another choice does not replace
		// an existing subnet.
		pulumi.IgnoreChanges([]string{"availabilityZone"}),
	)
	if zone := d.settings.Zone; zone != "" {
		// Each zone has its own subnet, so that both subnets exist while the machine
		// moves.
		part, at, options = "public-"+zone, zoneSubnet(d.settings.CIDR, zone), d.Options()
	}
	subnet, err := ec2.NewSubnet(d.Ctx, d.Name(part), &ec2.SubnetArgs{
		VpcId:            vpc.ID(),
		CidrBlock:        pulumi.String(at),
		AvailabilityZone: pulumi.String(d.lookup.zone),
		Tags:             d.NameTag(part, nil),
	}, options...)
	if err != nil {
		return network{}, fmt.Errorf("registering the public subnet: %w", err)
	}
	routes, err := ec2.NewRouteTable(d.Ctx, d.Name("public"), &ec2.RouteTableArgs{
		VpcId: vpc.ID(),
		Routes: ec2.RouteTableRouteArray{&ec2.RouteTableRouteArgs{
			CidrBlock: pulumi.String("0.0.0.0/0"),
			GatewayId: gateway.ID(),
		}},
		Tags: d.NameTag("public", nil),
	}, d.Options()...)
	if err != nil {
		return network{}, fmt.Errorf("registering the public subnet's routes: %w", err)
	}
	routed, err := ec2.NewRouteTableAssociation(d.Ctx, d.Name(part), &ec2.RouteTableAssociationArgs{
		SubnetId:     subnet.ID(),
		RouteTableId: routes.ID(),
	}, d.Options()...)
	if err != nil {
		return network{}, fmt.Errorf("registering the public subnet's routes: %w", err)
	}
	group, err := d.securityGroup(vpc.ID())
	return network{subnet: subnet.ID(), group: group, online: []pulumi.Resource{routed}}, err
}

// firstSubnet returns the first /24 of a larger VPC, so that other subnets fit in
// too. For a smaller VPC it returns the whole range.
func firstSubnet(cidr string) string {
	prefix := netip.MustParsePrefix(cidr)
	return netip.PrefixFrom(prefix.Addr(), max(24, prefix.Bits())).String()
}

// zoneBits is the number of bits between the smallest VPC with zone subnets and
// a /24: eight /24, for the first subnet and the zones a to g.
const zoneBits = 3

// zoneSubnet returns the /24 of a zone, chosen by the last letter of its name.
// The first /24 is firstSubnet's.
func zoneSubnet(cidr, zone string) string {
	start := netip.MustParsePrefix(cidr).Addr().As4()
	// The settings allow no VPC in which this addition overflows.
	start[2] += zone[len(zone)-1] - 'a' + 1
	return netip.PrefixFrom(netip.AddrFrom4(start), 24).String()
}

// securityGroup allows HTTP and HTTPS from anywhere and nothing else. Logins
// use Session Manager, which needs only outgoing connections.
func (d deployment) securityGroup(vpc pulumi.StringInput) (*ec2.SecurityGroup, error) {
	var in ec2.SecurityGroupIngressArray
	for _, port := range []int{80, 443} {
		in = append(in, &ec2.SecurityGroupIngressArgs{
			Protocol:       pulumi.String("tcp"),
			FromPort:       pulumi.Int(port),
			ToPort:         pulumi.Int(port),
			CidrBlocks:     pulumi.ToStringArray([]string{"0.0.0.0/0"}),
			Ipv6CidrBlocks: pulumi.ToStringArray([]string{"::/0"}),
		})
	}
	group, err := ec2.NewSecurityGroup(d.Ctx, d.Name("web"), &ec2.SecurityGroupArgs{
		Description: pulumi.String("The web in, everything out"),
		VpcId:       vpc,
		Ingress:     in,
		Egress: ec2.SecurityGroupEgressArray{&ec2.SecurityGroupEgressArgs{
			Protocol:       pulumi.String("-1"),
			FromPort:       pulumi.Int(0),
			ToPort:         pulumi.Int(0),
			CidrBlocks:     pulumi.ToStringArray([]string{"0.0.0.0/0"}),
			Ipv6CidrBlocks: pulumi.ToStringArray([]string{"::/0"}),
		}},
		Tags: d.NameTag("web", nil),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the security group: %w", err)
	}
	return group, nil
}
