package cloudfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
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
	// providers counts those that were made for the account.
	providers int
	// caller is the ARN of the principal that calls.
	caller string
	// images are the Debian images by architecture, the newest last.
	images map[string][]string
	// typeZones are the zones that have an instance type, where not all do.
	typeZones map[string][]string
	// volumeTags are the tags that others put on volumes.
	volumeTags map[string]string
	// overwritten are the objects that somebody wrote to by hand, by their keys.
	overwritten map[string]bool
	// versions are those that clusters really run, by the clusters' names.
	versions map[string]string
	// refusedTags are the load balancer's tags that the cluster's role may not
	// remove.
	refusedTags []string
	// zones are the public hosted zones.
	zones []hostedZone
}

// The types that behaviours are about.
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

// awsTaggable are the types that get the stack's tags.
var awsTaggable = []string{awsInstance, awsSubnet, awsVPC, awsGroup, awsObject, awsBucket, awsParameter, awsRole, awsRepository, awsCluster}

// NewAWS returns an account that has what every account has.
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
	}
	a.behaviours = append(a.uniqueNames(), a.limits()...)
	a.behaviours = append(a.behaviours, a.machines()...)
	a.behaviours = append(a.behaviours, a.clusters()...)
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

// uniqueName is a name that is taken once.
type uniqueName struct {
	name, kind, property string
	// says is the error, of the name.
	says, does, source string
}

// uniqueNames refuse a name that exists.
func (a *AWS) uniqueNames() []Behaviour {
	const reference = "https://docs.aws.amazon.com/"
	var all []Behaviour
	for _, u := range []uniqueName{
		{
			"parameter-exists", awsParameter, "name", "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
			"Refuses to create a parameter whose name another one has in account and region.", "https://github.com/hashicorp/terraform-provider-aws/issues/13578",
		},
		{
			"repository-exists", awsRepository, "name", "RepositoryAlreadyExistsException: The repository with name '%s' already exists in the registry",
			"Refuses to create a repository whose name another one has in account and region.", reference + "AmazonECR/latest/APIReference/API_CreateRepository.html",
		},
		{
			"bucket-exists", awsBucket, "bucket", "BucketAlreadyOwnedByYou: Your previous request to create the named bucket succeeded and you already own it.",
			"Refuses to create a bucket whose name is taken, by anyone.", reference + "AmazonS3/latest/API/API_CreateBucket.html",
		},
		{
			"log-group-exists", awsLogGroup, "name", "ResourceAlreadyExistsException: The specified log group already exists",
			"Refuses to create a log group whose name another one has.", reference + "AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
		},
		{
			"cluster-exists", awsCluster, "name", "ResourceInUseException: Cluster already exists with name: %s",
			"Refuses to create a cluster whose name another one has in account and region.", reference + "eks/latest/APIReference/API_CreateCluster.html",
		},
	} {
		all = append(all, Behaviour{
			Name: u.name, Does: u.does, Source: u.source, Types: []string{u.kind}, Test: "TestSecondCloneInTheSameAccount",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Create {
					return nil
				}
				name := text(e.Inputs, u.property)
				for _, other := range a.Of(u.kind) {
					if text(other.Inputs, u.property) == name && (u.kind == awsBucket || region(other) == region(*e)) {
						if strings.Contains(u.says, "%s") {
							return fmt.Errorf(u.says, name)
						}
						return errors.New(u.says)
					}
				}
				return nil
			},
		})
	}
	return all
}

// tagCharacters are those that every service of AWS takes in a tag.
var tagCharacters = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// limits refuse what is too long, too many or not a name.
func (a *AWS) limits() []Behaviour {
	return []Behaviour{
		{
			Name: "tag-keys-ignore-case", Types: []string{awsRole}, Test: "TestTagsThatAWSRefuses",
			Does:   "Takes two tag keys of an IAM role that differ only in case for the same one, and refuses them.",
			Source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html",
			Before: func(e *offline.Event) error {
				seen := map[string]bool{}
				for key := range tags(*e) {
					if seen[strings.ToLower(key)] {
						return errors.New("InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive.") //nolint:revive,staticcheck // as AWS says it
					}
					seen[strings.ToLower(key)] = true
				}
				return nil
			},
		},
		{
			Name: "object-takes-ten-tags", Types: []string{awsObject}, Test: "TestManyTags",
			Does:   "Takes at most ten tags on an object in S3.",
			Source: "https://github.com/hashicorp/terraform-provider-aws/issues/19895",
			Before: func(e *offline.Event) error {
				if len(tags(*e)) > 10 {
					return errors.New("BadRequest: Object tags cannot be greater than 10")
				}
				return nil
			},
		},
		{
			Name: "tag-characters", Types: awsTaggable, Test: "TestTagsThatAWSRefuses",
			Does:   "Takes letters, digits, spaces and _ . : / = + - @ in tags.",
			Source: "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
			Before: func(e *offline.Event) error {
				for key, value := range tags(*e) {
					if !tagCharacters.MatchString(key) || !tagCharacters.MatchString(value) {
						return fmt.Errorf("ValidationError: the tag %q contains invalid characters", key)
					}
				}
				return nil
			},
		},
		{
			Name: "parameter-takes-4-kib", Types: []string{awsParameter}, Test: "TestLongSecret",
			Does:   "Takes 4096 bytes in a parameter of the standard tier, 8192 in one of the advanced tier, which Intelligent-Tiering chooses.",
			Source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
			Before: func(e *offline.Event) error {
				limit := 4096
				if tier := text(e.Inputs, "tier"); tier == "Advanced" || tier == "Intelligent-Tiering" {
					limit = 8192
				}
				if size := len(text(e.Inputs, "value")); size > limit && (e.Operation == offline.Create || e.Operation == offline.Update) {
					return fmt.Errorf("ValidationException: parameter value of %d characters is longer than %d", size, limit)
				}
				return nil
			},
		},
		{
			Name: "repository-name", Types: []string{awsRepository}, Test: "TestNamesThatAWSTakes",
			Does:   "Takes single separators between lower-case letters and digits in a repository's name.",
			Source: "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html",
			Before: func(e *offline.Event) error {
				if name := text(e.Inputs, "name"); !repositoryName.MatchString(name) {
					return fmt.Errorf("InvalidParameterException: Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression': %q", name)
				}
				return nil
			},
		},
	}
}

// Overwrite has somebody write to an object by hand.
func (a *AWS) Overwrite(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.overwritten[key] = true
}

// objects is the behaviour of S3 that tells what is in an object.
func (a *AWS) objects() Behaviour {
	return Behaviour{
		Name: "object-has-an-etag", Types: []string{awsObject}, Test: "TestOverwrittenPointer",
		Does:   "Reads an object's ETag back, the MD5 of its content, and nothing else of the content: without an ETag in the program, a changed object is no difference.",
		Source: "https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/s3/object.go",
		After: func(e *offline.Event) bool {
			a.mu.Lock()
			defer a.mu.Unlock()
			key := text(e.Inputs, "key")
			if e.Operation != offline.Read {
				delete(a.overwritten, key)
				return false
			}
			if !a.overwritten[key] {
				return false
			}
			other := resource.NewProperty("d41d8cd98f00b204e9800998ecf8427e")
			e.Outputs["etag"] = other
			if e.Inputs.HasValue("etag") {
				e.Inputs["etag"] = other
			}
			return true
		},
	}
}

var repositoryName = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

// region is the region that a resource is in.
func region(e offline.Event) string { return text(e.Config, "region") }

// text reads a text among properties, also a secret one.
func text(props resource.PropertyMap, key string) string {
	s, _ := offline.Plain(props)[key].(string)
	return s
}

// tags are a resource's own and the provider's default tags, as AWS gets them.
func tags(e offline.Event) map[string]string {
	all := map[string]string{}
	inputs := offline.Plain(e.Inputs)
	if _, overridden := inputs["overrideProvider"]; !overridden {
		maps.Copy(all, defaultTags(e.Config))
	}
	own, _ := inputs["tags"].(map[string]any)
	for key, value := range own {
		all[key] = fmt.Sprint(value)
	}
	return all
}

// defaultTags are those of a provider, whose configuration has objects as JSON.
func defaultTags(config resource.PropertyMap) map[string]string {
	var d struct {
		Tags map[string]string `json:"tags"`
	}
	switch value := offline.Plain(config)["defaultTags"].(type) {
	case string:
		// The provider's own SDK wrote it.
		_ = json.Unmarshal([]byte(value), &d)
	case map[string]any:
		b, err := json.Marshal(value)
		if err == nil {
			_ = json.Unmarshal(b, &d)
		}
	}
	return d.Tags
}

// sortedKeys are a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// minor is the minor version of Kubernetes' "1.36".
func minor(version string) int {
	_, number, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(number)
	return n
}
