package prices

import (
	"fmt"
	"slices"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// awsRules price the resources that the stacks create at AWS.
var awsRules = map[string]rule{
	"aws:ec2/instance:Instance":                           instance,
	"aws:ec2/eip:Eip":                                     single("public IPv4 address", "aws/vpc/public-ipv4"),
	"aws:ec2/eipAssociation:EipAssociation":               (*count).included,
	"aws:ec2/natGateway:NatGateway":                       single("NAT gateway", "aws/vpc/nat-gateway"),
	"aws:ec2/vpc:Vpc":                                     single("network", "aws/vpc/network"),
	"aws:ec2/vpcEndpoint:VpcEndpoint":                     vpcEndpoint,
	"aws:ec2/subnet:Subnet":                               (*count).included,
	"aws:ec2/internetGateway:InternetGateway":             (*count).included,
	"aws:ec2/route:Route":                                 (*count).included,
	"aws:ec2/routeTable:RouteTable":                       (*count).included,
	"aws:ec2/routeTableAssociation:RouteTableAssociation": (*count).included,
	"aws:ec2/securityGroup:SecurityGroup":                 (*count).included,
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":   (*count).included,

	"aws:iam/role:Role":                                 single("role", "aws/iam/role"),
	"aws:iam/instanceProfile:InstanceProfile":           (*count).included,
	"aws:iam/rolePolicy:RolePolicy":                     (*count).included,
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment": (*count).included,

	"aws:s3/bucketV2:BucketV2":                                                                   func(c *count, r plan.Resource) { c.byUse(r, "bucket", "by the GB that releases take") },
	"aws:s3/bucketObjectv2:BucketObjectv2":                                                       (*count).included,
	"aws:s3/bucketPolicy:BucketPolicy":                                                           (*count).included,
	"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               (*count).included,
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                                     (*count).included,
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       (*count).included,
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": (*count).included,
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                                     (*count).included,
	"aws:ssm/parameter:Parameter":                                                                parameter,
	"aws:route53/record:Record":                                                                  func(c *count, r plan.Resource) { c.byUse(r, "record", "by the query; its zone is there already") },
	"aws:route53/zone:Zone":                                                                      single("zone", "aws/route53/zone"),
	"aws:acm/certificate:Certificate":                                                            single("certificate", "aws/acm/public-certificate"),
	"aws:acm/certificateValidation:CertificateValidation":                                        (*count).included,
	"aws:kms/key:Key":                                                                            single("key", "aws/kms/key"),
	"aws:kms/alias:Alias":                                                                        (*count).included,
	"aws:ecr/repository:Repository":                                                              func(c *count, r plan.Resource) { c.byUse(r, "image repository", "by the GB that images take") },
	"aws:ecr/lifecyclePolicy:LifecyclePolicy":                                                    (*count).included,
	"aws:eks/cluster:Cluster":                                                                    eksCluster,
	"aws:eks/accessEntry:AccessEntry":                                                            (*count).included,
	"aws:eks/accessPolicyAssociation:AccessPolicyAssociation":                                    (*count).included,
	"aws:eks/addon:Addon":                                                                        (*count).included,
	"aws:cloudwatch/metricAlarm:MetricAlarm":                                                     metricAlarm,
	"aws:sns/topic:Topic":                                                                        func(c *count, r plan.Resource) { c.byUse(r, "topic", "by the e-mail that is sent") },
	"aws:sns/topicSubscription:TopicSubscription":                                                (*count).included,
	"aws:cloudwatch/logGroup:LogGroup":                                                           func(c *count, r plan.Resource) { c.byUse(r, "logs", "by the GB that is logged") },
}

// single returns the rule of a resource that is one unit of an item.
func single(part, item string) rule {
	return func(c *count, r plan.Resource) { c.item(r, part, item, c.region(r), exactly(1)) }
}

// metricAlarm prices an alarm by the metrics that it reads: an alarm on an expression
// is charged for each metric in it (aws.amazon.com/cloudwatch/pricing).
func metricAlarm(c *count, r plan.Resource) {
	metrics := 1
	if queries, _ := inputs(r)["metricQueries"].([]any); len(queries) > 0 {
		metrics = 0
		for _, query := range queries {
			if one, _ := query.(map[string]any); one["metric"] != nil {
				metrics++
			}
		}
	}
	c.item(r, "alarm", "aws/cloudwatch/alarm", c.region(r), amount{high: float64(metrics), why: "an account's first ten are free"})
}

// burstable are the families that earn CPU credits.
var burstable = []string{"t2", "t3", "t3a", "t4g"}

// instance prices a machine, its disk, and its own address. An Elastic IP replaces
// that address.
func instance(c *count, r plan.Resource) {
	region := c.region(r)
	size := values.Text(inputs(r), "instanceType")
	c.item(r, size, "aws/ec2/"+size, region, exactly(1))
	disk := values.At(inputs(r), "rootBlockDevice")
	if gib, ok := values.Number(disk, "volumeSize"); ok {
		volume := values.Text(disk, "volumeType")
		c.item(r, fmt.Sprintf("%g GiB of %s", gib, volume), "aws/ebs/"+volume+"-gib", region, exactly(gib))
	}
	if values.Bool(inputs(r), "associatePublicIpAddress") && !c.has("aws:ec2/eipAssociation:EipAssociation") {
		c.item(r, "public IPv4 address", "aws/vpc/public-ipv4", region, exactly(1))
	}
	family, _, _ := strings.Cut(size, ".")
	if slices.Contains(burstable, family) && values.Text(inputs(r), "creditSpecification", "cpuCredits") == "unlimited" {
		c.byUse(r, "CPU credits", `by the vCPU hour above the base rate; aws.cpuCredits: "standard" makes none`)
	}
}

func vpcEndpoint(c *count, r plan.Resource) {
	if kind := values.Text(inputs(r), "vpcEndpointType"); kind != "" && kind != "Gateway" {
		c.item(r, "endpoint of type "+kind, "aws/vpc/interface-endpoint", c.region(r), exactly(1))
		return
	}
	c.item(r, "gateway endpoint", "aws/vpc/gateway-endpoint", c.region(r), exactly(1))
}

func parameter(c *count, r plan.Resource) {
	if tier := values.Text(inputs(r), "tier"); tier != "" && tier != "Standard" {
		c.item(r, "parameter above 4 KiB", "aws/ssm/advanced-parameter", c.region(r), exactly(1))
		return
	}
	c.item(r, "parameter", "aws/ssm/standard-parameter", c.region(r), exactly(1))
}

// eksCluster prices the control plane. In Auto Mode Amazon chooses the nodes, so
// they are not resources of the stack.
func eksCluster(c *count, r plan.Resource) {
	c.item(r, "control plane", "aws/eks/cluster", c.region(r), exactly(1))
	if values.Bool(inputs(r), "computeConfig", "enabled") {
		c.add(r, plan.Cost{Part: "nodes", State: plan.NotPriced, Why: "Auto Mode chooses their types and number, and takes a fee for each"})
	}
}
