package awsec2

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit/agent/store"
	"escala/infra/deploy/iampolicy"
)

// machineObjects lets the machine write and read its own objects in the release
// store, under machines/<its id>/. The policy needs the machine's id, so it is
// created after the machine; until then the machine can only read.
func (d deployment) machineObjects(releases releaseStore, role access, m *ec2.Instance) error {
	policy := pulumi.All(releases.bucket.Arn, m.ID()).ApplyT(func(v []any) (string, error) {
		return ownObjectsPolicy(v[0].(string), string(v[1].(pulumi.ID)))
	}).(pulumi.StringOutput)
	if _, err := iam.NewRolePolicy(d.Ctx, d.Name("machine-objects"), &iam.RolePolicyArgs{
		Role:   role.profile.Role.Elem(),
		Policy: policy,
	}, d.Options()...); err != nil {
		return fmt.Errorf("registering the machine's permission to write: %w", err)
	}
	return nil
}

// ownObjectsPolicy returns the policy. The role belongs to the stack, and two
// machines have it while one replaces the other, so the statement is limited to
// this machine's session. EC2 names the session after the instance: aws:userid
// is "<role id>:<instance id>" ("IAM policy elements: Variables and tags",
// principal key values).
func ownObjectsPolicy(bucket, id string) (string, error) {
	return iampolicy.Document(iampolicy.Statement{
		Sid:       "OwnObjects",
		Effect:    "Allow",
		Action:    []string{"s3:GetObject", "s3:PutObject"},
		Resource:  []string{bucket + "/" + store.MachineKey(id, "*")},
		Condition: map[string]map[string]string{"StringLike": {"aws:userid": "*:" + id}},
	})
}

// machineObjectsRule limits how much machines store. Each change of a status makes
// a new version of the object.
func machineObjectsRule() *s3.BucketLifecycleConfigurationV2RuleArgs {
	return &s3.BucketLifecycleConfigurationV2RuleArgs{
		Id:     pulumi.String("machines"),
		Status: pulumi.String("Enabled"),
		Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("machines/")},
		NoncurrentVersionExpiration: &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
			NoncurrentDays: pulumi.Int(1),
		},
	}
}

// storedStatus returns the status that the machine wrote to the release store.
// It reads with the stack's own credentials. The provider returns the content
// of objects of type application/json.
func (d deployment) storedStatus(_ context.Context, bucket, id string) (string, error) {
	object, err := s3.GetObject(d.Ctx, &s3.GetObjectArgs{
		Bucket: bucket, Key: store.MachineKey(id, store.StatusName),
	}, pulumi.Provider(d.Provider))
	if err != nil {
		return "", fmt.Errorf("reading the machine's status in the release store: %w", err)
	}
	return object.Body, nil
}
