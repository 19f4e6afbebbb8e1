package awsec2

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/iampolicy"
	"escala/service"
)

// found is what AWS said when it was asked.
type found struct {
	// ami is the image for a new machine.
	ami string
	// vpc is that of the subnet that was given by its id, or empty.
	vpc string
	// partition and account are parts of the names of AWS' resources.
	partition, account string
}

// debianOwner is Debian's account on AWS, from which it publishes its images
// (wiki.debian.org/Cloud/AmazonEC2Image).
const debianOwner = "136693071363"

// awsArch is AWS' name of an architecture.
var awsArch = map[string]string{"arm64": "arm64", "amd64": "x86_64"}

// look asks AWS whether the settings fit each other, and reports everything
// that does not at once.
func (d deployment) look() (found, error) {
	var f found
	var v service.Violations
	ask := pulumi.Provider(d.Provider)
	s := d.settings
	arch := awsArch[s.Arch]

	caller, err := aws.GetCallerIdentity(d.Ctx, &aws.GetCallerIdentityArgs{}, ask)
	if err != nil {
		// Without credentials every question fails alike.
		return f, fmt.Errorf("asking AWS who is calling: %w", err)
	}
	if f.partition, err = iampolicy.Partition(caller.Arn); err != nil {
		return f, err
	}
	f.account = caller.AccountId

	if kind, err := ec2.GetInstanceType(d.Ctx, &ec2.GetInstanceTypeArgs{InstanceType: s.instanceType()}, ask); err != nil {
		v.Add("aws.instanceType", "%q is not to be had in %s: %s", s.instanceType(), s.Region, err)
	} else if !slices.Contains(kind.SupportedArchitectures, arch) {
		v.Add("aws.instanceType", "%q is for %v, but aws.arch is %q", s.instanceType(), kind.SupportedArchitectures, s.Arch)
	}

	if image, err := ec2.LookupAmi(d.Ctx, s.imageQuery(), ask); err != nil {
		v.Add("aws.ami", "no such image in %s (outside of AWS' public regions name one yourself): %s", s.Region, err)
	} else {
		f.ami = image.Id
		if image.Architecture != arch {
			v.Add("aws.ami", "%s is an image for %s, but aws.arch is %q", image.Id, image.Architecture, s.Arch)
		}
	}

	if s.SubnetID != "" {
		if subnet, err := ec2.LookupSubnet(d.Ctx, &ec2.LookupSubnetArgs{Id: &s.SubnetID}, ask); err != nil {
			v.Add("aws.subnetId", "%s is not to be had in %s: %s", s.SubnetID, s.Region, err)
		} else {
			f.vpc = subnet.VpcId
			if s.VPCID != "" && s.VPCID != subnet.VpcId {
				v.Add("aws.subnetId", "%s is a subnet of %s, not of aws.vpcId %s", s.SubnetID, subnet.VpcId, s.VPCID)
			}
		}
	}
	return f, v.Err()
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
