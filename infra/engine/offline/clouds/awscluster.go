package clouds

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// awsClusterResources returns the resource types of a cluster on AWS that a
// machine does not have.
func awsClusterResources() map[string]offline.Resource {
	return map[string]offline.Resource{
		"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {Args: &ec2.DefaultSecurityGroupArgs{}, State: ec2.DefaultSecurityGroup{}},
		"aws:ec2/natGateway:NatGateway": {
			Args: &ec2.NatGatewayArgs{}, State: ec2.NatGateway{},
		},
		"aws:ec2/route:Route": {
			Args: &ec2.RouteArgs{}, State: ec2.Route{},
		},
		"aws:ec2/vpcEndpoint:VpcEndpoint": {
			Args: &ec2.VpcEndpointArgs{}, State: ec2.VpcEndpoint{},
		},
		"aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
			Args: &iam.RolePolicyAttachmentArgs{}, State: iam.RolePolicyAttachment{}, DeleteFirst: true,
		},
		"aws:kms/key:Key": {Args: &kms.KeyArgs{}, State: kms.Key{}},
		"aws:cloudwatch/logGroup:LogGroup": {
			Args: &cloudwatch.LogGroupArgs{}, State: cloudwatch.LogGroup{}, Named: "name",
		},
		"aws:ecr/repository:Repository": {
			Args: &ecr.RepositoryArgs{}, State: ecr.Repository{}, Named: "name",
		},
		"aws:ecr/lifecyclePolicy:LifecyclePolicy": {Args: &ecr.LifecyclePolicyArgs{}, State: ecr.LifecyclePolicy{}, DeleteFirst: true},
		"aws:eks/cluster:Cluster": {
			Args: &eks.ClusterArgs{}, State: eks.Cluster{}, Named: "name",
			// EKS can neither change the role of a cluster's nodes nor remove its
			// encryption (internal/service/eks/cluster.go).
			ReplacesIf: map[string]offline.Condition{
				"computeConfig.nodeRoleArn": changed("computeConfig", "nodeRoleArn"),
				"encryptionConfig":          removed("encryptionConfig"),
			},
		},
		"aws:eks/addon:Addon": {Args: &eks.AddonArgs{}, State: eks.Addon{}},
		"aws:eks/accessEntry:AccessEntry": {
			Args: &eks.AccessEntryArgs{}, State: eks.AccessEntry{},
		},
		"aws:eks/accessPolicyAssociation:AccessPolicyAssociation": {
			Args: &eks.AccessPolicyAssociationArgs{}, State: eks.AccessPolicyAssociation{},
		},
	}
}

// AWSRole is the role of the caller's session in the offline AWS: a pipeline's
// role, with a path.
const AWSRole = "arn:aws:iam::" + AWSAccount + ":role/ci/recorded"

// awsClusterFunctions returns the functions that a cluster calls.
func awsClusterFunctions() map[string]offline.Function {
	return map[string]offline.Function{
		"aws:iam/getSessionContext:getSessionContext": answer(map[string]any{"issuerArn": AWSRole, "id": AWSRole}),
		"aws:index/getAvailabilityZones:getAvailabilityZones": answer(map[string]any{
			"id": "recorded", "names": []any{"eu-central-1a", "eu-central-1b", "eu-central-1c"},
		}),
		"aws:eks/getCluster:getCluster": func(args resource.PropertyMap) (resource.PropertyMap, error) {
			return nil, errNotFound("cluster", text(args, "name"))
		},
		"aws:eks/getClusterVersions:getClusterVersions": answer(map[string]any{
			"id": "recorded", "clusterVersions": []any{map[string]any{"clusterVersion": "1.36"}, map[string]any{"clusterVersion": "1.37"}},
		}),
		"aws:ecr/getAuthorizationToken:getAuthorizationToken": answer(map[string]any{
			"id": "recorded", "userName": "AWS", "password": "recorded-login",
		}),
	}
}

// awsClusterFillIn sets the outputs of a cluster's resources that AWS would
// set.
func awsClusterFillIn(e *offline.Event) {
	if e.Operation != offline.Create {
		return
	}
	set := func(key, format string, args ...any) {
		e.Outputs[resource.PropertyKey(key)] = resource.NewStringProperty(fmt.Sprintf(format, args...))
	}
	switch e.Type {
	case "aws:kms/key:Key":
		set("arn", "arn:aws:kms:recorded:%s:key/%s", AWSAccount, e.ID)
	case "aws:ecr/repository:Repository":
		e.ID = text(e.Outputs, "name")
		set("arn", "arn:aws:ecr:recorded:%s:repository/%s", AWSAccount, e.ID)
		set("repositoryUrl", "%s.dkr.ecr.recorded.amazonaws.com/%s", AWSAccount, e.ID)
	case "aws:eks/cluster:Cluster":
		e.ID = text(e.Outputs, "name")
		set("arn", "arn:aws:eks:recorded:%s:cluster/%s", AWSAccount, e.ID)
		set("endpoint", "https://%s.recorded.eks.amazonaws.com", e.ID)
		e.Outputs["certificateAuthority"] = resource.NewProperty(resource.PropertyMap{"data": resource.NewProperty(recordedCA)})
	}
}
