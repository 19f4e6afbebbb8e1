package awseks

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const anyAddress = "0.0.0.0/0"

// routes connects the subnets: the public ones to the internet, the private ones
// through NAT, and all of them to S3. ECR stores image layers in S3, and NAT does
// not charge for them on that route. It returns the resources that nodes need.
func (d deployment) routes(vpc *ec2.Vpc, gateway *ec2.InternetGateway, zones []zone) ([]pulumi.Resource, error) {
	public, err := d.table(vpc, "public")
	if err != nil {
		return nil, err
	}
	out, err := ec2.NewRoute(d.Ctx, d.Name("public"), &ec2.RouteArgs{
		RouteTableId:         public.ID(),
		DestinationCidrBlock: pulumi.String(anyAddress),
		GatewayId:            gateway.ID(),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the route to the internet: %w", err)
	}
	online := []pulumi.Resource{out}
	tables := pulumi.StringArray{public.ID()}
	var nat *ec2.NatGateway
	for _, z := range zones {
		routed, err := d.routed(z.public, public, fmt.Sprintf("public-%d", z.number))
		if err != nil {
			return nil, err
		}
		online = append(online, routed)
		if z.private == nil {
			continue
		}
		if nat == nil || d.settings.NAT == NATPerZone {
			// The gateway's address works only once the public subnet is
			// connected.
			if nat, err = d.nat(z, out, routed); err != nil {
				return nil, err
			}
		}
		table, through, err := d.routeThroughNAT(vpc, z, nat)
		if err != nil {
			return nil, err
		}
		tables = append(tables, table.ID())
		online = append(online, through...)
	}
	s3, err := ec2.NewVpcEndpoint(d.Ctx, d.Name("s3"), &ec2.VpcEndpointArgs{
		VpcId:           vpc.ID(),
		ServiceName:     pulumi.String("com.amazonaws." + d.settings.Region + ".s3"),
		VpcEndpointType: pulumi.String("Gateway"),
		RouteTableIds:   tables,
		Tags:            d.NameTag("s3", nil),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the S3 endpoint: %w", err)
	}
	return append(online, s3), nil
}

// nat registers a NAT gateway in a zone's public subnet.
func (d deployment) nat(z zone, after ...pulumi.Resource) (*ec2.NatGateway, error) {
	part := fmt.Sprintf("nat-%d", z.number)
	address, err := ec2.NewEip(d.Ctx, d.Name(part), &ec2.EipArgs{
		Domain: pulumi.String("vpc"),
		Tags:   d.NameTag(part, nil),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the address of %s: %w", part, err)
	}
	nat, err := ec2.NewNatGateway(d.Ctx, d.Name(part), &ec2.NatGatewayArgs{
		AllocationId: address.AllocationId,
		SubnetId:     z.public.ID(),
		Tags:         d.NameTag(part, nil),
	}, d.Options(pulumi.DependsOn(after))...)
	if err != nil {
		return nil, fmt.Errorf("registering %s: %w", part, err)
	}
	return nat, nil
}

// routeThroughNAT routes a private subnet's traffic through NAT.
func (d deployment) routeThroughNAT(vpc *ec2.Vpc, z zone, nat *ec2.NatGateway) (*ec2.RouteTable, []pulumi.Resource, error) {
	part := fmt.Sprintf("private-%d", z.number)
	table, err := d.table(vpc, part)
	if err != nil {
		return nil, nil, err
	}
	out, err := ec2.NewRoute(d.Ctx, d.Name(part), &ec2.RouteArgs{
		RouteTableId:         table.ID(),
		DestinationCidrBlock: pulumi.String(anyAddress),
		NatGatewayId:         nat.ID(),
	}, d.Options()...)
	if err != nil {
		return nil, nil, fmt.Errorf("registering the NAT route of %s: %w", part, err)
	}
	routed, err := d.routed(z.private, table, part)
	return table, []pulumi.Resource{out, routed}, err
}

// table registers a route table without inline routes. Routes are resources of
// their own, since the S3 endpoint adds routes too.
func (d deployment) table(vpc *ec2.Vpc, part string) (*ec2.RouteTable, error) {
	table, err := ec2.NewRouteTable(d.Ctx, d.Name(part), &ec2.RouteTableArgs{
		VpcId: vpc.ID(),
		Tags:  d.NameTag(part, nil),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the routes of %s: %w", part, err)
	}
	return table, nil
}

func (d deployment) routed(subnet *ec2.Subnet, table *ec2.RouteTable, part string) (pulumi.Resource, error) {
	routed, err := ec2.NewRouteTableAssociation(d.Ctx, d.Name(part), &ec2.RouteTableAssociationArgs{
		SubnetId:     subnet.ID(),
		RouteTableId: table.ID(),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the routes of %s: %w", part, err)
	}
	return routed, nil
}
