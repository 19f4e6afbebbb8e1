package cloudfake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

const ingress = "kubernetes:networking.k8s.io/v1:Ingress"

// CallAs makes another principal, a user or role, the account's caller.
func (a *AWS) CallAs(arn string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.caller = arn
}

// Caller returns the calling principal.
func (a *AWS) Caller() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.caller
}

// RaiseVersion upgrades every cluster, as AWS does at the end of support.
func (a *AWS) RaiseVersion(version string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name := range a.versions {
		a.versions[name] = version
	}
}

// RunningVersion returns the version that a cluster really runs, or "".
func (a *AWS) RunningVersion(cluster string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.versions[cluster]
}

// RefusedTags returns the load balancer's tags that stayed because the cluster's
// role may not remove them.
func (a *AWS) RefusedTags() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.refusedTags)
}

// Admitted reports whether a principal has an access policy of a kind
// ("AmazonEKSClusterAdminPolicy") on any cluster.
func (a *AWS) Admitted(principal, policy string) bool {
	for _, e := range a.OfType(awsPolicy) {
		if text(e.Inputs, "principalArn") == principal && strings.HasSuffix(text(e.Inputs, "policyArn"), "/"+policy) {
			return true
		}
	}
	return false
}

// clusters returns the behaviours of EKS.
func (a *AWS) clusters() []Behaviour {
	return []Behaviour{
		{
			Name: "version-goes-one-step", Types: []string{awsCluster}, Test: "TestKubernetesVersions",
			Does:   "Raises a cluster by one minor version at a time, and refuses the version that it has.",
			Source: "https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html",
			Before: a.updateVersion,
		},
		{
			Name: "version-is-raised", Types: []string{awsCluster}, Test: "TestKubernetesVersions",
			Does:   "Raises a cluster by itself at the end of standard support.",
			Source: "https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html",
			After: func(e *offline.Event) bool {
				name := text(e.Inputs, "name")
				a.mu.Lock()
				defer a.mu.Unlock()
				switch e.Operation {
				case offline.Create:
					a.versions[name] = text(e.Inputs, "version")
				case offline.Delete:
					delete(a.versions, name)
				case offline.Read:
					if real := a.versions[name]; real != text(e.Outputs, "version") {
						e.Outputs["version"] = resource.NewProperty(real)
						e.Inputs["version"] = resource.NewProperty(real)
						return true
					}
				case offline.Update:
				}
				return false
			},
		},
		{
			Name: "addon-waits-for-nodes", Types: []string{awsAddon}, Test: "TestManagedLifecycle",
			Does:   "Leaves an add-on DEGRADED as long as the cluster has no node, and Auto Mode makes none before a pod waits.",
			Source: "https://github.com/awslabs/ai-on-eks/issues/302",
			Before: func(e *offline.Event) error {
				if e.Operation == offline.Create && len(a.OfType(deployment)) == 0 {
					return errors.New("waiting for EKS Add-On create: timeout while waiting for state to become 'ACTIVE' (last state: 'DEGRADED', timeout: 20m0s)")
				}
				return nil
			},
		},
		{
			Name: "entry-exists", Types: []string{awsEntry}, Test: "TestAWSLife",
			Does:   "Refuses a second access entry for a principal of a cluster.",
			Source: "https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Create {
					return nil
				}
				for _, other := range a.OfType(awsEntry) {
					if text(other.Inputs, "clusterName") == text(e.Inputs, "clusterName") && text(other.Inputs, "principalArn") == text(e.Inputs, "principalArn") {
						return errors.New("ResourceInUseException: The specified access entry resource is already in use on this cluster.") //nolint:revive,staticcheck // as AWS says it
					}
				}
				return nil
			},
		},
		{
			Name: "access-is-eventual", Test: "TestManagedLifecycle",
			Does:   "Answers Unauthorized for some seconds after an access entry and its policy were made, each API server by itself.",
			Source: "https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html",
		},
		{
			Name: "reader-is-refused", Test: "TestPreviewBySomeoneElse",
			Does:   "Answers Unauthorized to principals without an access entry, whatever IAM allows them.",
			Source: "https://docs.aws.amazon.com/eks/latest/userguide/grant-k8s-access.html",
		},
		{
			Name: "tags-need-rights", Types: []string{ingressParams}, Test: "TestLoadBalancerTagIsRemoved",
			Does:   "Stops reconciling an Ingress whose load balancer loses a tag, unless the cluster's role may call RemoveTags and DeleteTags.",
			Source: "https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html",
			After:  a.removeTags,
		},
		{
			Name: "load-balancer-holds-the-network", Types: []string{awsVPC}, Test: "TestDestroyBySomeoneElse",
			Does:   "Keeps a load balancer whose Ingress was never deleted, also when its cluster goes, and with it the network.",
			Source: "https://docs.aws.amazon.com/eks/latest/userguide/delete-cluster.html",
			Before: func(e *offline.Event) error {
				service, _, _ := strings.Cut(e.Name, "-")
				held := slices.ContainsFunc(a.OfType(ingress), func(other offline.Event) bool { return strings.HasPrefix(other.Name, service+"-") })
				if e.Operation == offline.Delete && held {
					return fmt.Errorf("DependencyViolation: The vpc '%s' has dependencies and cannot be deleted.", e.ID) //nolint:revive,staticcheck // as EC2 says it
				}
				return nil
			},
		},
	}
}

// updateVersion simulates UpdateClusterVersion, which the provider calls if the
// version differs from the state's.
func (a *AWS) updateVersion(e *offline.Event) error {
	if e.Operation != offline.Update {
		return nil
	}
	name, wanted := text(e.Inputs, "name"), text(e.Inputs, "version")
	if before, ok := a.before(e); ok && text(before.Inputs, "version") == wanted {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch step := minor(wanted) - minor(a.versions[name]); step {
	case 0:
		return fmt.Errorf("InvalidParameterException: Cluster is already at the desired configuration with version: %s", wanted)
	case 1:
		a.versions[name] = wanted
		return nil
	default:
		return fmt.Errorf("InvalidParameterException: Unsupported Kubernetes minor version update from %s to %s", a.versions[name], wanted)
	}
}

// removeTags simulates the load balancer controller when tags are removed.
func (a *AWS) removeTags(e *offline.Event) bool {
	if e.Operation != offline.Update {
		return false
	}
	var before map[string]bool
	if existing, ok := a.before(e); ok {
		before = tagKeys(existing.Inputs)
	}
	may := false
	for _, policy := range a.OfType(awsRolePolicy) {
		document := text(policy.Inputs, "policy")
		may = may || (strings.Contains(document, "elasticloadbalancing:RemoveTags") && strings.Contains(document, "ec2:DeleteTags"))
	}
	after, removed := tagKeys(e.Inputs), false
	for _, key := range sortedKeys(before) {
		if !after[key] {
			removed = true
			if !may {
				a.mu.Lock()
				a.refusedTags = append(a.refusedTags, key)
				a.mu.Unlock()
			}
		}
	}
	return removed
}

// tagKeys returns the keys of the load balancer's tags.
func tagKeys(params resource.PropertyMap) map[string]bool {
	keys := map[string]bool{}
	spec, _ := offline.Plain(params)["spec"].(map[string]any)
	list, _ := spec["tags"].([]any)
	for _, item := range list {
		if pair, ok := item.(map[string]any); ok {
			keys[fmt.Sprint(pair["key"])] = true
		}
	}
	return keys
}

// functions returns the answers that depend on the account.
func (a *AWS) functions() map[string]offline.Function {
	return map[string]offline.Function{
		"aws:ec2/getAmi:getAmi":                  a.newestImage,
		"aws:ec2/getSubnet:getSubnet":            a.getSubnet,
		"aws:ec2/getVpc:getVpc":                  a.getVPC,
		"aws:route53/getZone:getZone":            a.getZone,
		"aws:lb/getLoadBalancer:getLoadBalancer": a.getLoadBalancer,
		"aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": func(args resource.PropertyMap) (resource.PropertyMap, error) {
			var zones []any
			for _, filter := range args["filters"].ArrayValue() {
				for _, zone := range a.zonesOf(filter.ObjectValue()["values"].ArrayValue()[0].StringValue()) {
					zones = append(zones, zone)
				}
			}
			return resource.NewPropertyMapFromMap(map[string]any{"id": "offline", "locations": zones}), nil
		},
		"aws:iam/getSessionContext:getSessionContext": func(resource.PropertyMap) (resource.PropertyMap, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			return resource.NewPropertyMapFromMap(map[string]any{"id": a.caller, "issuerArn": a.caller}), nil
		},
		"aws:eks/getCluster:getCluster": a.getCluster,
	}
}
