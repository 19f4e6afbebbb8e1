package cloudfake

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
)

// AWS is an account at Amazon, in one region.
type AWS struct {
	*Account

	mu sync.Mutex
	// providers is the number of providers that were made for the account.
	providers int
	// caller is the ARN of the calling principal.
	caller string
	// images are the Debian images by architecture, the newest last.
	images map[string][]string
	// typeZones maps an instance type to its zones, if not all zones have it.
	typeZones map[string][]string
	// volumeTags are the tags that other programs put on volumes.
	volumeTags map[string]string
	// overwritten has the keys of objects that were changed outside of Pulumi.
	overwritten map[string]bool
	// versions maps a cluster's name to the version that it really runs.
	versions map[string]string
	// refusedTags are the load balancer's tags that the cluster's role may not
	// remove.
	refusedTags []string
	// balancers maps a service to the host name of its cluster's load balancer.
	// hidden means that the caller may not look them up.
	balancers map[string]string
	hidden    bool
	// zones are the public hosted zones.
	zones []hostedZone
	// undelegated reports that no zone is delegated, so public DNS does not use
	// them.
	undelegated bool
	// timedOut holds the ARNs of the certificates whose validation in ACM timed out.
	timedOut map[string]bool
}

// These are the resource types of behaviours.
const (
	awsInstance   = "aws:ec2/instance:Instance"
	awsSubnet     = "aws:ec2/subnet:Subnet"
	awsVPC        = "aws:ec2/vpc:Vpc"
	awsGroup      = "aws:ec2/securityGroup:SecurityGroup"
	awsObject     = "aws:s3/bucketObjectv2:BucketObjectv2"
	awsBucket     = "aws:s3/bucketV2:BucketV2"
	awsParameter  = "aws:ssm/parameter:Parameter"
	awsRole       = "aws:iam/role:Role"
	awsRolePolicy = "aws:iam/rolePolicy:RolePolicy"
	awsRepository = "aws:ecr/repository:Repository"
	awsLogGroup   = "aws:cloudwatch/logGroup:LogGroup"
	awsCluster    = "aws:eks/cluster:Cluster"
	awsAddon      = "aws:eks/addon:Addon"
	awsEntry      = "aws:eks/accessEntry:AccessEntry"
	awsPolicy     = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
	awsMove       = "aws:ec2/eipAssociation:EipAssociation"
	ingressParams = "kubernetes:eks.amazonaws.com/v1:IngressClassParams"
	deployment    = "kubernetes:apps/v1:Deployment"
)

// awsProvider is the address of the sources of the AWS provider's resources.
const awsProvider = "https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/"

// awsTaggable lists the types that get the stack's tags.
var awsTaggable = []string{awsInstance, awsSubnet, awsVPC, awsGroup, awsObject, awsBucket, awsParameter, awsRole, awsRepository, awsCluster}

// NewAWS returns a new account, with Debian's images.
func NewAWS() *AWS {
	a := &AWS{
		Account: newAccount(),
		caller:  clouds.AWSRole,
		images: map[string][]string{
			"arm64":  {"ami-00000000000000a64"},
			"x86_64": {"ami-00000000000000864"},
		},
		typeZones:   map[string][]string{},
		volumeTags:  map[string]string{},
		versions:    map[string]string{},
		overwritten: map[string]bool{},
		balancers:   map[string]string{},
		timedOut:    map[string]bool{},
	}
	a.behaviours = append(a.uniqueNames(), a.limits()...)
	a.behaviours = append(a.behaviours, a.machines()...)
	a.behaviours = append(a.behaviours, a.networks()...)
	a.behaviours = append(a.behaviours, a.clusters()...)
	a.behaviours = append(a.behaviours, a.alarms()...)
	a.behaviours = append(append(a.behaviours, a.names()...), a.objects())
	return a
}

// Provider returns the AWS provider of this account. effect may be nil.
func (a *AWS) Provider(effect offline.Effect) *offline.Provider {
	a.mu.Lock()
	a.providers++
	number := a.providers
	a.mu.Unlock()
	p := clouds.AWS(a.Effect(effect)).NumberFrom(1000 * (number - 1))
	for token, answer := range a.functions() {
		p.Answer(token, answer)
	}
	return p
}

// region returns a resource's region.
func region(e offline.Event) string { return text(e.Config, "region") }

// text returns a property that is a text, secret or not, or "".
func text(props resource.PropertyMap, key string) string {
	s, _ := offline.Plain(props)[key].(string)
	return s
}

// sortedKeys returns the keys of a map, sorted.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// minor returns 36 for Kubernetes' version "1.36".
func minor(version string) int {
	_, number, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(number)
	return n
}
