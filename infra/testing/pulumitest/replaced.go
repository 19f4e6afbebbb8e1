package pulumitest

import "slices"

// Always marks a type in NamedTypes that is always deleted first, whatever its
// name.
const Always = "(always)"

// NamedTypes lists the types that a provider deletes before it creates their
// replacement. It maps each type to the property on which this depends: a name that
// the program sets. A test in infra/engine/offline/clouds compares it with the
// providers.
var NamedTypes = map[string]string{
	"aws:cloudwatch/logGroup:LogGroup":                       "name",
	"aws:cloudwatch/metricAlarm:MetricAlarm":                 "name",
	"aws:ec2/securityGroup:SecurityGroup":                    "name",
	"aws:ecr/lifecyclePolicy:LifecyclePolicy":                Always,
	"aws:ecr/repository:Repository":                          "name",
	"aws:eks/cluster:Cluster":                                "name",
	"aws:iam/instanceProfile:InstanceProfile":                "name",
	"aws:iam/role:Role":                                      "name",
	"aws:iam/rolePolicy:RolePolicy":                          "name",
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment":      Always,
	"aws:s3/bucketV2:BucketV2":                               "bucket",
	"aws:sns/topic:Topic":                                    "name",
	"aws:ssm/parameter:Parameter":                            "name",
	"digitalocean:index/certificate:Certificate":             "name",
	"digitalocean:index/containerRegistry:ContainerRegistry": "name",
	"digitalocean:index/droplet:Droplet":                     "name",
	"digitalocean:index/kubernetesCluster:KubernetesCluster": "name",
	"digitalocean:index/spacesBucket:SpacesBucket":           "name",
	"digitalocean:index/tag:Tag":                             "name",
	"digitalocean:index/vpc:Vpc":                             "name",
}

// DeletedFirst returns the registered resources that their provider deletes before
// it creates their replacement, although the program does not ask for that. The
// result has the form "type name" and is sorted. In the meantime, the service would
// lack these resources: a firewall, a permission, a log.
func (m *Mocks) DeletedFirst() []string {
	var found []string
	for _, r := range m.Resources() {
		property, known := NamedTypes[r.Type]
		_, named := r.Inputs[property]
		if known && !r.Ordered && (named || property == Always) {
			found = append(found, r.Type+" "+r.Name)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
