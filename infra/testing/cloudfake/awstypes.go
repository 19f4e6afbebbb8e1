package cloudfake

// schemaOnly marks a type of which only the schema was read, not the code.
const schemaOnly = "Only its schema was read."

// awsTypes lists the facts in the provider's source about each type, beyond the
// properties that its schema marks.
var awsTypes = map[string]Type{
	"aws:acm/certificate:Certificate":                     {awsProvider + "acm/certificate.go", "A certificate that is imported again keeps its ARN."},
	"aws:acm/certificateValidation:CertificateValidation": {awsProvider + "acm/certificate_validation.go", "Its deletion deletes nothing."},
	"aws:cloudwatch/logGroup:LogGroup":                    {awsProvider + "logs/group.go", "The name is unique in account and region; the provider takes over no group that exists."},
	"aws:cloudwatch/metricAlarm:MetricAlarm":              {awsProvider + "cloudwatch/metric_alarm.go", "Another metric, dimension or expression is a change in place. Its name is another alarm."},
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":   {awsProvider + "ec2/vpc_default_security_group.go", "A network has one already: creating it takes that one over and removes its rules; its deletion deletes nothing."},
	"aws:ec2/eip:Eip":                                     {awsProvider + "ec2/ec2_eip.go", "Its deletion takes it off what has it."},
	"aws:ec2/eipAssociation:EipAssociation":               {awsProvider + "ec2/ec2_eip_association.go", "The deletion of one that is replaced is none: the address has another association then."},
	"aws:ec2/instance:Instance":                           {awsProvider + "ec2/ec2_instance.go", "User-data only with userDataReplaceOnChange; another type in place stops the machine."},
	"aws:ec2/internetGateway:InternetGateway":             {awsProvider + "ec2/vpc_internet_gateway.go", "Another VPC is no other gateway: it is taken off the one before, which fails while that has public addresses."},
	"aws:ec2/natGateway:NatGateway":                       {awsProvider + "ec2/vpc_nat_gateway.go", "The provider waits until it is deleted, for 30 minutes at most; its address is not free before."},
	"aws:ec2/route:Route":                                 {awsProvider + "ec2/vpc_route.go", "Another target is a change in place. " + schemaOnly},
	"aws:ec2/routeTable:RouteTable":                       {awsProvider + "ec2/vpc_route_table.go", ""},
	"aws:ec2/routeTableAssociation:RouteTableAssociation": {awsProvider + "ec2/vpc_route_table_association.go", "Another table is a change in place, with another id."},
	"aws:ec2/securityGroup:SecurityGroup":                 {awsProvider + "ec2/vpc_security_group.go", "The description is not changed in place. The deletion is tried for 15 minutes while something is in the group."},
	"aws:ec2/subnet:Subnet":                               {awsProvider + "ec2/vpc_subnet.go", "The deletion is tried for 20 minutes while something is in the subnet."},
	"aws:ec2/vpc:Vpc":                                     {awsProvider + "ec2/vpc_.go", "The deletion is tried for some minutes while something is in the VPC."},
	"aws:ec2/vpcEndpoint:VpcEndpoint":                     {awsProvider + "ec2/vpc_endpoint.go", schemaOnly},
	"aws:ecr/lifecyclePolicy:LifecyclePolicy":             {awsProvider + "ecr/lifecycle_policy.go", "A repository has one: it is deleted before its replacement is made."},
	"aws:ecr/repository:Repository":                       {awsProvider + "ecr/repository.go", "The name is unique in account and region. One with images is deleted only with forceDelete."},
	"aws:eks/accessEntry:AccessEntry":                     {awsProvider + "eks/access_entry.go", "A cluster has one for a principal, whatever it may do."},
	"aws:eks/accessPolicyAssociation:AccessPolicyAssociation": {
		awsProvider + "eks/access_policy_association.go", "A principal may have several. All properties make another one.",
	},
	"aws:eks/addon:Addon":                     {awsProvider + "eks/addon.go", "DEGRADED counts as not yet made, for 20 minutes at most."},
	"aws:eks/cluster:Cluster":                 {awsProvider + "eks/cluster.go", "Another role of the nodes, if there was one, and no encryption any more. Subnets are exchanged in place, in the same VPC and zones."},
	"aws:iam/instanceProfile:InstanceProfile": {awsProvider + "iam/instance_profile.go", "Another role is a change in place."},
	"aws:iam/role:Role":                       {awsProvider + "iam/role.go", "The description changes in place."},
	"aws:iam/rolePolicy:RolePolicy":           {awsProvider + "iam/role_policy.go", ""},
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
		awsProvider + "iam/role_policy_attachment.go", "It is deleted before its replacement is made, unless the program says otherwise.",
	},
	"aws:kms/key:Key":           {awsProvider + "kms/key.go", "A deleted key is there for 7 days at least, and reads as absent."},
	"aws:route53/record:Record": {awsProvider + "route53/record.go", "Another type of a record is no other record; its deletion takes away what has its name and type."},
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": {
		awsProvider + "s3/bucket_lifecycle_configuration.go", "The rules are a list: another order is a difference.",
	},
	"aws:s3/bucketObjectv2:BucketObjectv2":                   {awsProvider + "s3/object.go", "Other content is a change in place."},
	"aws:s3/bucketPolicy:BucketPolicy":                       {awsProvider + "s3/bucket_policy.go", ""},
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {awsProvider + "s3/bucket_public_access_block.go", ""},
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {
		awsProvider + "s3/bucket_server_side_encryption_configuration.go", "",
	},
	"aws:s3/bucketV2:BucketV2":                     {awsProvider + "s3/bucket.go", "The name is unique in the world. One with objects is deleted only with forceDestroy."},
	"aws:s3/bucketVersioningV2:BucketVersioningV2": {awsProvider + "s3/bucket_versioning.go", "Versions are never turned off again, only suspended; its deletion suspends them."},
	"aws:sns/topic:Topic":                          {awsProvider + "sns/topic.go", schemaOnly},
	"aws:sns/topicSubscription:TopicSubscription":  {awsProvider + "sns/topic_subscription.go", "One that was never confirmed is not deleted; SNS forgets it."},
	"aws:ssm/parameter:Parameter":                  {awsProvider + "ssm/parameter.go", "From the advanced tier back to the standard one. The name is unique in account and region."},
}
