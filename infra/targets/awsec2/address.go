package awsec2

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// address registers the Elastic IP, which stays when the machine is replaced.
func (d deployment) address() (*ec2.Eip, error) {
	address, err := ec2.NewEip(d.Ctx, d.Name("address"), &ec2.EipArgs{
		Domain: pulumi.String("vpc"),
		Tags:   d.NameTag("address", nil),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the address: %w", err)
	}
	return address, nil
}

// associate points the address at a machine. AWS moves an associated address in
// one step, so the new association must be created before the old one is
// deleted.
func (d deployment) associate(address *ec2.Eip, machine pulumi.StringOutput) (*ec2.EipAssociation, error) {
	return ec2.NewEipAssociation(d.Ctx, d.Name("address"), &ec2.EipAssociationArgs{
		AllocationId:       address.AllocationId,
		InstanceId:         machine,
		AllowReassociation: pulumi.Bool(true),
	}, d.Options(pulumi.DeleteBeforeReplace(false))...)
}
