package awsec2

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// address is the Elastic IP: it stays while machines come and go.
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

// associate lets the address lead to a machine. AWS moves an address that leads
// elsewhere in one step, so the association that is not true any more must go
// after the new one is there.
func (d deployment) associate(address *ec2.Eip, machine pulumi.StringOutput) (*ec2.EipAssociation, error) {
	return ec2.NewEipAssociation(d.Ctx, d.Name("address"), &ec2.EipAssociationArgs{
		AllocationId:       address.AllocationId,
		InstanceId:         machine,
		AllowReassociation: pulumi.Bool(true),
	}, d.Options(pulumi.DeleteBeforeReplace(false))...)
}
