package cloudfake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
)

const (
	awsGateway = "aws:ec2/internetGateway:InternetGateway"
	awsNAT     = "aws:ec2/natGateway:NatGateway"
)

// networks returns the behaviours of networks and of the resources in them.
func (a *AWS) networks() []Behaviour {
	return []Behaviour{
		{
			Name: "gateway-moves-in-place", Types: []string{awsGateway}, Test: "TestAnotherNetwork",
			Does:   "Moves an internet gateway to another network by taking it off the one before, and refuses that as long as anything there has a public address; the provider tries for 20 minutes.",
			Source: "https://github.com/hashicorp/terraform/issues/10465",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Update && e.Operation != offline.Delete {
					return nil
				}
				existing, ok := a.before(e)
				vpc := text(existing.Inputs, "vpcId")
				stays := e.Operation == offline.Update && text(e.Inputs, "vpcId") == vpc
				if ok && !stays && a.hasPublicAddress(vpc) {
					return fmt.Errorf("DependencyViolation: Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", vpc) //nolint:revive,staticcheck // as EC2 says it
				}
				return nil
			},
		},
		{
			Name: "address-is-in-use", Types: []string{awsNAT}, Test: "TestAWSNetworks",
			Does:   "Makes no NAT gateway with an address that another one has.",
			Source: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html",
			Before: func(e *offline.Event) error {
				for _, other := range a.OfType(awsNAT) {
					if e.Operation == offline.Create && text(other.Inputs, "allocationId") == text(e.Inputs, "allocationId") {
						return fmt.Errorf("Resource.AlreadyAssociated: resource %s is already associated with another resource", text(e.Inputs, "allocationId"))
					}
				}
				return nil
			},
		},
		{
			Name: "cluster-keeps-its-network", Types: []string{awsCluster}, Test: "TestEKSNetworkStays",
			Does:   "Takes only subnets of the VPC and of the very zones that a cluster was created with.",
			Source: "https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Update {
					return nil
				}
				if before, ok := a.before(e); ok && a.placeOf(before) != a.placeOf(*e) {
					return fmt.Errorf("InvalidParameterException: The subnets must be in %s, which the cluster was created with, and not in %s", a.placeOf(before), a.placeOf(*e))
				}
				return nil
			},
		},
	}
}

// hasPublicAddress reports whether an instance or a NAT gateway is in a VPC.
// Both have public addresses.
func (a *AWS) hasPublicAddress(vpc string) bool {
	in := map[string]bool{}
	for _, subnet := range a.OfType(awsSubnet) {
		in[subnet.ID] = text(subnet.Inputs, "vpcId") == vpc
	}
	return slices.ContainsFunc(append(a.OfType(awsInstance), a.OfType(awsNAT)...), func(e offline.Event) bool {
		return in[text(e.Inputs, "subnetId")]
	})
}

// subnetsOf returns the subnets of a cluster.
func subnetsOf(cluster offline.Event) []any {
	config, _ := offline.Plain(cluster.Inputs)["vpcConfig"].(map[string]any)
	ids, _ := config["subnetIds"].([]any)
	return ids
}

// placeOf returns the VPC and the zones of a cluster's subnets, as a text.
func (a *AWS) placeOf(cluster offline.Event) string {
	var vpcs, zones []string
	for _, id := range subnetsOf(cluster) {
		found, err := a.getSubnet(resource.NewPropertyMapFromMap(map[string]any{"id": id}))
		if err == nil {
			vpcs, zones = append(vpcs, text(found, "vpcId")), append(zones, text(found, "availabilityZone"))
		}
	}
	slices.Sort(vpcs)
	slices.Sort(zones)
	return strings.Join(append(slices.Compact(vpcs), slices.Compact(zones)...), " ")
}

// getSubnet answers with a subnet of the account, or with an existing one.
func (a *AWS) getSubnet(args resource.PropertyMap) (resource.PropertyMap, error) {
	for _, e := range a.OfType(awsSubnet) {
		if e.ID == text(args, "id") {
			return resource.NewPropertyMapFromMap(map[string]any{
				"id": e.ID, "vpcId": text(e.Inputs, "vpcId"), "cidrBlock": text(e.Inputs, "cidrBlock"), "availabilityZone": text(e.Outputs, "availabilityZone"),
			}), nil
		}
	}
	return clouds.Subnet(args)
}

// getVPC answers with a VPC of the account, or with an existing one.
func (a *AWS) getVPC(args resource.PropertyMap) (resource.PropertyMap, error) {
	for _, e := range a.OfType(awsVPC) {
		if e.ID == text(args, "id") {
			return resource.NewPropertyMapFromMap(map[string]any{
				"id": e.ID, "cidrBlock": text(e.Inputs, "cidrBlock"), "enableDnsHostnames": true, "enableDnsSupport": true,
			}), nil
		}
	}
	return clouds.VPC(args)
}

// getCluster answers with the cluster's actual state.
func (a *AWS) getCluster(args resource.PropertyMap) (resource.PropertyMap, error) {
	name := text(args, "name")
	version := a.RunningVersion(name)
	if version == "" {
		return nil, fmt.Errorf("reading EKS Cluster (%s): couldn't find resource", name)
	}
	answer := map[string]any{"id": name, "name": name, "version": version}
	for _, e := range a.OfType(awsCluster) {
		if text(e.Inputs, "name") != name {
			continue
		}
		ids := subnetsOf(e)
		subnet, err := a.getSubnet(resource.NewPropertyMapFromMap(map[string]any{"id": ids[0]}))
		if err != nil {
			return nil, err
		}
		answer["vpcConfig"] = map[string]any{"subnetIds": ids, "vpcId": text(subnet, "vpcId")}
	}
	return resource.NewPropertyMapFromMap(answer), nil
}
