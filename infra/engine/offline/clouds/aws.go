package clouds

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// AWSAccount is the account id of the offline AWS.
const AWSAccount = "123456789012"

// AWS returns an offline AWS that records requests. effect may be nil.
func AWS(effect offline.Effect) *offline.Provider {
	return offline.New(offline.Schema{
		Package:        "aws",
		Version:        read(awsReplaces).Version,
		Config:         &aws.ProviderArgs{},
		ConfigReplaces: []string{"region"}, // until version 7 (github.com/pulumi/pulumi-aws/pull/4000)
		Resources: read(awsReplaces).with(merge(merge(awsClusterResources(), awsNameResources()), map[string]offline.Resource{
			"aws:ec2/vpc:Vpc":                         {Args: &ec2.VpcArgs{}, State: ec2.Vpc{}},
			"aws:ec2/internetGateway:InternetGateway": {Args: &ec2.InternetGatewayArgs{}, State: ec2.InternetGateway{}},
			"aws:ec2/subnet:Subnet":                   {Args: &ec2.SubnetArgs{}, State: ec2.Subnet{}},
			"aws:ec2/routeTable:RouteTable":           {Args: &ec2.RouteTableArgs{}, State: ec2.RouteTable{}},
			"aws:ec2/routeTableAssociation:RouteTableAssociation": {
				Args: &ec2.RouteTableAssociationArgs{}, State: ec2.RouteTableAssociation{},
			},
			"aws:ec2/securityGroup:SecurityGroup": {
				Args: &ec2.SecurityGroupArgs{}, State: ec2.SecurityGroup{}, Named: "name",
			},
			"aws:ec2/instance:Instance": {
				Args: &ec2.InstanceArgs{}, State: ec2.Instance{},
				ReplacesIf: map[string]offline.Condition{
					"userData":       offline.WhenTrue("userDataReplaceOnChange"),
					"userDataBase64": offline.WhenTrue("userDataReplaceOnChange"),
				},
			},
			"aws:ec2/eip:Eip": {Args: &ec2.EipArgs{}, State: ec2.Eip{}},
			"aws:ec2/eipAssociation:EipAssociation": {
				Args: &ec2.EipAssociationArgs{}, State: ec2.EipAssociation{},
			},
			"aws:iam/role:Role":                       {Args: &iam.RoleArgs{}, State: iam.Role{}, Named: "name"},
			"aws:iam/rolePolicy:RolePolicy":           {Args: &iam.RolePolicyArgs{}, State: iam.RolePolicy{}, Named: "name"},
			"aws:iam/instanceProfile:InstanceProfile": {Args: &iam.InstanceProfileArgs{}, State: iam.InstanceProfile{}, Named: "name"},
			"aws:s3/bucketV2:BucketV2":                {Args: &s3.BucketV2Args{}, State: s3.BucketV2{}, Named: "bucket"},
			"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
				Args: &s3.BucketPublicAccessBlockArgs{}, State: s3.BucketPublicAccessBlock{},
			},
			"aws:s3/bucketVersioningV2:BucketVersioningV2": {Args: &s3.BucketVersioningV2Args{}, State: s3.BucketVersioningV2{}},
			"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {
				Args: &s3.BucketServerSideEncryptionConfigurationV2Args{}, State: s3.BucketServerSideEncryptionConfigurationV2{},
			},
			"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": {
				Args: &s3.BucketLifecycleConfigurationV2Args{}, State: s3.BucketLifecycleConfigurationV2{},
			},
			"aws:s3/bucketPolicy:BucketPolicy":            {Args: &s3.BucketPolicyArgs{}, State: s3.BucketPolicy{}},
			"aws:s3/bucketObjectv2:BucketObjectv2":        {Args: &s3.BucketObjectv2Args{}, State: s3.BucketObjectv2{}},
			"aws:sns/topic:Topic":                         {Args: &sns.TopicArgs{}, State: sns.Topic{}, Named: "name"},
			"aws:sns/topicSubscription:TopicSubscription": {Args: &sns.TopicSubscriptionArgs{}, State: sns.TopicSubscription{}},
			"aws:cloudwatch/metricAlarm:MetricAlarm":      {Args: &cloudwatch.MetricAlarmArgs{}, State: cloudwatch.MetricAlarm{}, Named: "name"},
			"aws:ssm/parameter:Parameter": {
				Args: &ssm.ParameterArgs{}, State: ssm.Parameter{}, Named: "name",
				// The tier of a parameter cannot be lowered to the standard one
				// (internal/service/ssm/parameter.go).
				ReplacesIf: map[string]offline.Condition{"tier": lowered("tier", "Advanced", "Standard")},
			},
		})),
		Functions: merge(merge(awsClusterFunctions(), awsNameFunctions()), map[string]offline.Function{
			"aws:index/getCallerIdentity:getCallerIdentity": answer(map[string]any{
				"accountId": AWSAccount, "arn": "arn:aws:iam::" + AWSAccount + ":user/recorded", "userId": "RECORDED", "id": AWSAccount,
			}),
			"aws:ec2/getInstanceType:getInstanceType": getInstanceType,
			"aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": answer(map[string]any{
				"id": "offline", "locations": []any{"eu-central-1a", "eu-central-1b", "eu-central-1c"},
			}),
			"aws:ec2/getAmi:getAmi":               getAMI,
			"aws:ec2/getSubnet:getSubnet":         Subnet,
			"aws:ec2/getRouteTable:getRouteTable": getRouteTable,
			"aws:ec2/getVpc:getVpc":               VPC,
		}),
	}, func(e *offline.Event) error {
		awsFillIn(e)
		awsClusterFillIn(e)
		awsNameFillIn(e)
		if effect == nil {
			return nil
		}
		return effect(e)
	})
}

// awsFillIn sets the outputs that AWS would set and the program uses.
func awsFillIn(e *offline.Event) {
	if e.Operation == offline.Update && e.Type == "aws:ssm/parameter:Parameter" {
		if v := e.Outputs["version"]; v.IsNumber() {
			e.Outputs["version"] = resource.NewNumberProperty(v.NumberValue() + 1)
		}
	}
	if e.Operation != offline.Create {
		return
	}
	arn := func(format string, args ...any) {
		e.Outputs["arn"] = resource.NewStringProperty("arn:aws:" + fmt.Sprintf(format, args...))
	}
	switch e.Type {
	case "aws:s3/bucketV2:BucketV2":
		e.ID = text(e.Outputs, "bucket")
		arn("s3:::%s", e.ID)
	case "aws:ssm/parameter:Parameter":
		e.ID = text(e.Outputs, "name")
		e.Outputs["version"] = resource.NewNumberProperty(1)
		arn("ssm:recorded:%s:parameter/%s", AWSAccount, strings.TrimPrefix(e.ID, "/"))
	case "aws:sns/topic:Topic":
		arn("sns:recorded:%s:%s", AWSAccount, text(e.Outputs, "name"))
		e.ID = text(e.Outputs, "arn")
	case "aws:iam/role:Role":
		e.ID = text(e.Outputs, "name")
		arn("iam::%s:role/%s", AWSAccount, e.ID)
	}
}

// getInstanceType derives the architecture from the name of the family: a "g" after
// the generation's digit is Graviton.
func getInstanceType(args resource.PropertyMap) (resource.PropertyMap, error) {
	name := text(args, "instanceType")
	family, size, ok := strings.Cut(name, ".")
	if !ok || size == "" || !strings.ContainsAny(family, "0123456789") {
		return nil, errNotFound("instance type", name)
	}
	arch := "x86_64"
	if strings.Contains(family[strings.IndexAny(family, "0123456789"):], "g") {
		arch = "arm64"
	}
	return resource.NewPropertyMapFromMap(map[string]any{"id": name, "instanceType": name, "supportedArchitectures": []any{arch}}), nil
}

// getAMI returns one image for each architecture. Any other id is an image for
// arm64.
func getAMI(args resource.PropertyMap) (resource.PropertyMap, error) {
	id, arch := "", "arm64"
	for _, filter := range args["filters"].ArrayValue() {
		value := filter.ObjectValue()["values"].ArrayValue()[0].StringValue()
		switch text(filter.ObjectValue(), "name") {
		case "architecture":
			arch = value
			id = "ami-00000000000000" + map[string]string{"arm64": "a64", "x86_64": "864"}[arch]
		case "image-id":
			id = value
		}
	}
	if id == "" {
		return nil, errNotFound("image", id)
	}
	return resource.NewPropertyMapFromMap(map[string]any{"id": id, "imageId": id, "architecture": arch}), nil
}

// Subnet answers getSubnet with the requested subnet. Subnets whose ids differ only in the
// last digit are in one VPC.
func Subnet(args resource.PropertyMap) (resource.PropertyMap, error) {
	id := text(args, "id")
	tail, ok := strings.CutPrefix(id, "subnet-")
	if !ok {
		return nil, errNotFound("subnet", id)
	}
	zone := "eu-central-1" + string("abc"[int(tail[len(tail)-1])%3])
	return resource.NewPropertyMapFromMap(map[string]any{"id": id, "vpcId": "vpc-" + tail[:len(tail)-1] + "0", "availabilityZone": zone}), nil
}

// getRouteTable routes every subnet to the internet.
func getRouteTable(resource.PropertyMap) (resource.PropertyMap, error) {
	return resource.NewPropertyMapFromMap(map[string]any{
		"id": "rtb-offline", "routes": []any{map[string]any{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-offline"}},
	}), nil
}

// VPC answers getVpc with the requested VPC.
func VPC(args resource.PropertyMap) (resource.PropertyMap, error) {
	id := text(args, "id")
	if !strings.HasPrefix(id, "vpc-") {
		return nil, errNotFound("VPC", id)
	}
	return resource.NewPropertyMapFromMap(map[string]any{"id": id, "cidrBlock": "10.30.0.0/16", "enableDnsHostnames": true, "enableDnsSupport": true}), nil
}
