// Package awsaccount registers and looks up what all targets on AWS need first: the
// provider, the account that it works in, and a VPC.
package awsaccount

import (
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/deploy/iampolicy"
	"escala/service"
)

// These patterns match names and ids in AWS.
var (
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	subnetID   = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
	vpcID      = regexp.MustCompile(`^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// CheckRegion adds a violation if the value of a key is not a region's name.
func CheckRegion(v *service.Violations, key, region string) {
	if !regionName.MatchString(region) {
		v.Add(key, "%q is not a region; for example \"eu-central-1\"", region)
	}
}

// CheckVPC adds a violation if the value of a key is not a VPC's id.
func CheckVPC(v *service.Violations, key, id string) {
	if !vpcID.MatchString(id) {
		v.Add(key, "%q is not the id of a VPC (vpc-…)", id)
	}
}

// CheckSubnet adds a violation if the value of a key is not a subnet's id.
func CheckSubnet(v *service.Violations, key, id string) {
	if !subnetID.MatchString(id) {
		v.Add(key, "%q is not the id of a subnet (subnet-…)", id)
	}
}

// Register registers the component's provider for a region. Its default tags are
// the target's tags and the user's own.
func Register(c *deploy.Component, region string, own map[string]string) error {
	provider, err := aws.NewProvider(c.Ctx, c.Name("aws"), &aws.ProviderArgs{
		Region:      pulumi.String(region),
		DefaultTags: &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(c.Tags(own))},
	}, c.Options()...)
	if err != nil {
		return fmt.Errorf("registering the AWS provider: %w", err)
	}
	c.Provider = provider
	return nil
}

// Account identifies the account that the provider works in.
type Account struct {
	// Caller is the ARN of the user, or of the session of the role.
	Caller string
	// Partition and ID are parts of ARNs: "aws", "123456789012".
	Partition, ID string
}

// Ask looks up the account of the component's provider. It comes before the other
// lookups, because without credentials all of them would fail in the same way.
func Ask(c *deploy.Component) (Account, error) {
	caller, err := aws.GetCallerIdentity(c.Ctx, &aws.GetCallerIdentityArgs{}, pulumi.Provider(c.Provider))
	if err != nil {
		return Account{}, fmt.Errorf("asking AWS for the caller's identity: %w", err)
	}
	partition, err := iampolicy.Partition(caller.Arn)
	return Account{Caller: caller.Arn, Partition: partition, ID: caller.AccountId}, err
}

// VPC registers a VPC with DNS names and its internet gateway.
func VPC(c *deploy.Component, cidr string) (*ec2.Vpc, *ec2.InternetGateway, error) {
	vpc, err := ec2.NewVpc(c.Ctx, c.Name("network"), &ec2.VpcArgs{
		CidrBlock:          pulumi.String(cidr),
		EnableDnsHostnames: pulumi.Bool(true),
		EnableDnsSupport:   pulumi.Bool(true),
		Tags:               c.NameTag("network", nil),
	}, c.Options()...)
	if err != nil {
		return nil, nil, fmt.Errorf("registering the network: %w", err)
	}
	gateway, err := ec2.NewInternetGateway(c.Ctx, c.Name("gateway"), &ec2.InternetGatewayArgs{
		VpcId: vpc.ID(),
		Tags:  c.NameTag("gateway", nil),
		// The provider would detach the gateway from the old network first. AWS
		// refuses that as long as a machine there has a public address. So a network
		// in another range gets a gateway of its own.
	}, c.Options(pulumi.ReplaceOnChanges([]string{"vpcId"}))...)
	if err != nil {
		return nil, nil, fmt.Errorf("registering the network's gateway: %w", err)
	}
	return vpc, gateway, nil
}
