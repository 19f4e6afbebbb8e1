package awseks

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/testing/pulumitest"
	"escala/service"
)

const secret = "correct horse battery staple"

// request returns a request with every field that a target may receive.
func request() deploy.Request {
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL"}
	return deploy.Request{
		Spec:    spec,
		Secrets: map[string]string{"DATABASE_URL": secret},
		Release: build.Release{Release: service.Release{ID: service.ReleaseID(strings.Repeat("ab", 32))}},
		Expired: []service.Release{{ID: service.ReleaseID(strings.Repeat("cd", 32))}},
		Stack:   "production",
	}
}

// cloud returns a fake AWS that has what the defaults need. caller is the ARN of
// the caller.
func cloud(caller string) *pulumitest.Mocks {
	say := func(answer map[string]any) func(map[string]any) (map[string]any, error) {
		return func(map[string]any) (map[string]any, error) { return answer, nil }
	}
	return &pulumitest.Mocks{
		Outputs: func(kind, name string) map[string]any {
			switch kind {
			case "random:index/randomId:RandomId":
				return map[string]any{"hex": "001122"}
			case "aws:eks/cluster:Cluster":
				return map[string]any{
					"endpoint":             "https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com",
					"certificateAuthority": map[string]any{"data": "Y2VydGlmaWNhdGU="},
				}
			case "aws:ecr/repository:Repository":
				return map[string]any{"repositoryUrl": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/escala-production-api"}
			case "aws:iam/role:Role", "aws:kms/key:Key":
				return map[string]any{"arn": "arn:aws:x::123456789012:" + name}
			}
			return nil
		},
		Functions: map[string]func(args map[string]any) (map[string]any, error){
			"aws:index/getCallerIdentity:getCallerIdentity": say(map[string]any{"accountId": "123456789012", "arn": "arn:aws:sts::123456789012:assumed-role/deploy/session"}),
			"aws:iam/getSessionContext:getSessionContext":   say(map[string]any{"issuerArn": caller}),
			"aws:index/getAvailabilityZones:getAvailabilityZones": say(map[string]any{
				"names": []any{"eu-central-1c", "eu-central-1a", "eu-central-1b"},
			}),
			"aws:eks/getClusterVersions:getClusterVersions": say(map[string]any{
				"clusterVersions": []any{map[string]any{"clusterVersion": "1.36"}, map[string]any{"clusterVersion": "1.35"}},
			}),
		},
	}
}

const deployer = "arn:aws:iam::123456789012:role/ci/deploy"

func deployed(t *testing.T, t2 *EKS, r deploy.Request) *pulumitest.Mocks {
	t.Helper()
	m := cloud(deployer)
	require.NoError(t, m.Preview(t2, r))
	return m
}

// with returns a target whose settings change has changed.
func with(change func(*Settings)) *EKS {
	e := New()
	change(&e.settings)
	return e
}

func TestEverythingBelongsToTheServiceAndToItsProviders(t *testing.T) {
	m := deployed(t, New(), request())
	for _, r := range m.Resources() {
		switch {
		case r.Type == "pulumi:pulumi:Stack" || r.Type == "escala:eks:Service":
			continue
		case strings.HasPrefix(r.Type, "pulumi:providers:"), strings.HasPrefix(r.Type, "escala:"):
		default:
			want := map[bool]string{true: "kubernetes", false: "aws"}[strings.HasPrefix(r.Type, "kubernetes:")]
			if strings.HasPrefix(r.Type, "random:") {
				want = "random"
			}
			assert.Contains(t, r.Provider, "api-"+want, "%s %s goes to another provider", r.Type, r.Name)
		}
		assert.Regexp(t, `escala:eks:Service(\$escala:kubernetes:Workload)?::api$`, r.Parent, "%s %s is elsewhere", r.Type, r.Name)
	}
	tags, err := json.Marshal(m.Only(t, "pulumi:providers:aws").Inputs["defaultTags"])
	require.NoError(t, err)
	for _, tag := range []string{"Project", "escala", "Stack", "production", "Service", "api"} {
		assert.Contains(t, string(tags), tag)
	}
}

// TestNothingThatServesGoesFirst checks that no provider deletes a resource before
// its replacement, unless the program states the order.
func TestNothingThatServesGoesFirst(t *testing.T) {
	// A repository has one lifecycle policy, so deleting the old one afterwards
	// would delete its replacement.
	assert.Equal(t, []string{"aws:ecr/lifecyclePolicy:LifecyclePolicy api-images"}, deployed(t, New(), request()).DeletedFirst())
}

func TestCluster(t *testing.T) {
	m := deployed(t, New(), request())
	in := m.Only(t, "aws:eks/cluster:Cluster").Inputs
	assert.Equal(t, "escala-production-api-001122", in["name"])
	assert.Equal(t, "1.36", in["version"])
	assert.Equal(t, map[string]any{"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": false}, in["accessConfig"])
	assert.Equal(t, false, in["bootstrapSelfManagedAddons"])
	assert.Equal(t, true, in["computeConfig"].(map[string]any)["enabled"])
	assert.Equal(t, []any{"general-purpose", "system"}, in["computeConfig"].(map[string]any)["nodePools"])
	assert.Equal(t, map[string]any{"elasticLoadBalancing": map[string]any{"enabled": true}}, in["kubernetesNetworkConfig"])
	assert.Equal(t, map[string]any{"blockStorage": map[string]any{"enabled": true}}, in["storageConfig"])
	assert.Equal(t, []any{"secrets"}, in["encryptionConfig"].(map[string]any)["resources"])
	assert.Equal(t, map[string]any{"supportType": "STANDARD"}, in["upgradePolicy"])
	assert.Equal(t, true, m.Only(t, "aws:kms/key:Key").Inputs["enableKeyRotation"])
	logs := m.Only(t, "aws:cloudwatch/logGroup:LogGroup").Inputs
	assert.Equal(t, "/aws/eks/escala-production-api-001122/cluster", logs["name"])
	assert.InDelta(t, 7, logs["retentionInDays"], 0)
}

func TestNobodyComesInButByTheLoadBalancer(t *testing.T) {
	m := deployed(t, New(), request())
	for _, r := range m.Resources() {
		assert.NotContains(t, []string{"aws:ec2/securityGroup:SecurityGroup", "aws:ec2/securityGroupRule:SecurityGroupRule"}, r.Type)
	}
	unused := m.Only(t, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup").Inputs
	assert.NotContains(t, unused, "ingress")
	assert.NotContains(t, unused, "egress")
	for _, subnet := range m.OfType("aws:ec2/subnet:Subnet") {
		assert.Equal(t, false, subnet.Inputs["mapPublicIpOnLaunch"], subnet.Name)
	}
}

func TestNetworks(t *testing.T) {
	for _, tt := range []struct {
		nat                    NAT
		zones, subnets, gates  int
		nodesPublic            bool
		routeTables, addresses int
	}{
		{NATOne, 2, 4, 1, false, 3, 1},
		{NATPerZone, 3, 6, 3, false, 4, 3},
		{NATNone, 2, 2, 0, true, 1, 0},
	} {
		t.Run(string(tt.nat), func(t *testing.T) {
			m := deployed(t, with(func(s *Settings) { s.NAT, s.Zones = tt.nat, tt.zones }), request())
			assert.Len(t, m.OfType("aws:ec2/natGateway:NatGateway"), tt.gates)
			assert.Len(t, m.OfType("aws:ec2/eip:Eip"), tt.addresses)
			assert.Len(t, m.OfType("aws:ec2/routeTable:RouteTable"), tt.routeTables)
			subnets := m.OfType("aws:ec2/subnet:Subnet")
			require.Len(t, subnets, tt.subnets)
			vpc := netip.MustParsePrefix("10.30.0.0/16")
			var ranges []netip.Prefix
			for _, s := range subnets {
				r := netip.MustParsePrefix(s.Inputs["cidrBlock"].(string))
				assert.True(t, vpc.Overlaps(r))
				for _, other := range ranges {
					assert.False(t, other.Overlaps(r), "%s and %s", other, r)
				}
				ranges = append(ranges, r)
				tags := s.Inputs["tags"].(map[string]any)
				public := strings.Contains(s.Name, "public")
				assert.Equal(t, public, tags["kubernetes.io/role/elb"] == "1")
				assert.Equal(t, !public, tags["kubernetes.io/role/internal-elb"] == "1")
				assert.Equal(t, tt.nodesPublic, s.Inputs["mapPublicIpOnLaunch"])
			}
			for _, id := range m.Only(t, "aws:eks/cluster:Cluster").Inputs["vpcConfig"].(map[string]any)["subnetIds"].([]any) {
				assert.Equal(t, tt.nodesPublic, strings.Contains(id.(string), "public"))
			}
		})
	}
}

func TestAFurtherZoneMovesNoSubnet(t *testing.T) {
	for zone := range maxZones {
		assert.Equal(t, fmt.Sprintf("10.30.%d.0/19", zone*32), layout("10.30.0.0/16", zone).private)
		assert.Equal(t, fmt.Sprintf("10.30.%d.0/19", 128+zone*32), layout("10.30.0.0/16", zone).public)
	}
}

func TestRolesMayNoMoreThanTheyHaveTo(t *testing.T) {
	m := deployed(t, New(), request())
	attached := map[string][]string{}
	for _, a := range m.OfType("aws:iam/rolePolicyAttachment:RolePolicyAttachment") {
		role := strings.SplitN(a.Name, "-", 3)[1]
		attached[role] = append(attached[role], strings.TrimPrefix(a.Inputs["policyArn"].(string), "arn:aws:iam::aws:policy/"))
	}
	assert.Equal(t, map[string][]string{
		"cluster": {"AmazonEKSBlockStoragePolicy", "AmazonEKSClusterPolicy", "AmazonEKSComputePolicy", "AmazonEKSLoadBalancingPolicy", "AmazonEKSNetworkingPolicy"},
		"nodes":   {"AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodeMinimalPolicy"},
	}, attached)
	for _, role := range m.OfType("aws:iam/role:Role") {
		trust := role.Inputs["assumeRolePolicy"].(string)
		assert.Equal(t, role.Name == "api-cluster", strings.Contains(trust, "sts:TagSession"), trust)
		assert.Equal(t, role.Name == "api-cluster", strings.Contains(trust, "eks.amazonaws.com"), trust)
	}
	own := m.Only(t, "aws:iam/rolePolicy:RolePolicy").Inputs["policy"].(string)
	assert.NotContains(t, own, `:*"`)
	assert.Contains(t, own, `"elasticloadbalancing:RemoveTags","ec2:DeleteTags"`, "or a tag that leaves the settings stops the Ingress from being reconciled")
	assert.Contains(t, own, `"aws:ResourceTag/eks:eks-cluster-name":"${aws:PrincipalTag/eks:eks-cluster-name}"`)
	assert.Contains(t, own, `"aws:RequestTag/eks:eks-cluster-name":"${aws:PrincipalTag/eks:eks-cluster-name}"`, "only for what is the cluster's own")
}

func TestTheDeployerIsLetIn(t *testing.T) {
	admin := "arn:aws:iam::123456789012:user/someone"
	m := deployed(t, with(func(s *Settings) { s.Admins = []string{admin, deployer} }), request())
	var in []string
	for _, e := range m.OfType("aws:eks/accessPolicyAssociation:AccessPolicyAssociation") {
		in = append(in, e.Inputs["principalArn"].(string))
		assert.Equal(t, "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", e.Inputs["policyArn"])
	}
	assert.ElementsMatch(t, []string{admin, deployer}, in, "once each, and the role and not its session")

	err := cloud("arn:aws:iam::123456789012:root").Preview(New(), request())
	assert.ErrorContains(t, err, "arn:aws:iam::123456789012:root updates the stack, but cannot get access to a cluster")
}

func TestViewersSeeAndNoMore(t *testing.T) {
	viewer := "arn:aws:iam::123456789012:role/ci/preview"
	m := deployed(t, with(func(s *Settings) { s.Viewers = []string{viewer, deployer} }), request())
	policies := map[any]any{}
	for _, e := range m.OfType("aws:eks/accessPolicyAssociation:AccessPolicyAssociation") {
		policies[e.Inputs["principalArn"]] = e.Inputs["policyArn"]
	}
	const policy = "arn:aws:eks::aws:cluster-access-policy/"
	assert.Equal(t, map[any]any{viewer: policy + "AmazonEKSAdminViewPolicy", deployer: policy + "AmazonEKSClusterAdminPolicy"}, policies)
}

func TestNetworkPoliciesAreEnforced(t *testing.T) {
	m := deployed(t, New(), request())
	for _, object := range m.OfType("kubernetes:core/v1:ConfigMap") {
		if object.Name == "api-network-policies" {
			assert.Equal(t, map[string]any{"name": "amazon-vpc-cni", "namespace": "kube-system"}, object.Inputs["metadata"])
			assert.Equal(t, map[string]any{"enable-network-policy-controller": "true"}, object.Inputs["data"])
			return
		}
	}
	assert.Fail(t, "without amazon-vpc-cni, Auto Mode enforces nothing")
}

// TestPodsAreSpreadOverZonesOnly checks that pods may share a node. Auto Mode would
// create a node for each pod that must not share one.
func TestPodsAreSpreadOverZonesOnly(t *testing.T) {
	spec := deployed(t, New(), request()).Only(t, "kubernetes:apps/v1:Deployment").Inputs["spec"].(map[string]any)
	constraints := spec["template"].(map[string]any)["spec"].(map[string]any)["topologySpreadConstraints"].([]any)
	require.Len(t, constraints, 1)
	assert.Equal(t, "topology.kubernetes.io/zone", constraints[0].(map[string]any)["topologyKey"])
}

// TestNamesThatAWSTakes checks the rule "repository-name" of
// infra/testing/cloudfake.
func TestNamesThatAWSTakes(t *testing.T) {
	const behaviour = "repository-name"
	names := regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)
	for _, stack := range []string{"production", "a--b", "x_-y", "Prod_EU.1-", strings.Repeat("long-", 20)} {
		r := request()
		r.Stack = stack
		m := cloud(deployer)
		require.NoError(t, m.Preview(New(), r))
		name := m.Only(t, "aws:ecr/repository:Repository").Inputs["name"].(string)
		assert.Regexp(t, names, name, "%s: %s", behaviour, stack)
		assert.LessOrEqual(t, len(name), 100, "an EKS cluster's name, which has the same length")
	}
}

func TestAVPCOfOnesOwn(t *testing.T) {
	own := with(func(s *Settings) {
		s.VPCID, s.CIDR = "vpc-0123456789abcdef0", "172.16.0.0/22"
		s.PublicSubnetIDs = []string{"subnet-00000000000000001", "subnet-00000000000000002"}
		s.NodeSubnetIDs = []string{"subnet-00000000000000003", "subnet-00000000000000004"}
	})
	account := func() *pulumitest.Mocks {
		m := cloud(deployer)
		m.Functions["aws:ec2/getVpc:getVpc"] = func(map[string]any) (map[string]any, error) {
			return map[string]any{"cidrBlock": "172.16.0.0/22", "enableDnsHostnames": true, "enableDnsSupport": true}, nil
		}
		m.Functions["aws:ec2/getSubnet:getSubnet"] = func(args map[string]any) (map[string]any, error) {
			id := args["id"].(string)
			return map[string]any{"id": id, "vpcId": "vpc-0123456789abcdef0", "availabilityZone": "eu-central-1" + map[bool]string{true: "a", false: "b"}[strings.HasSuffix(id, "1") || strings.HasSuffix(id, "3")]}, nil
		}
		return m
	}
	require.NoError(t, own.settings.violations(request().Spec).Err())
	m := account()
	require.NoError(t, m.Preview(own, request()))
	for _, kind := range []string{"aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/natGateway:NatGateway", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "aws:ec2/vpcEndpoint:VpcEndpoint"} {
		assert.Empty(t, m.OfType(kind), "its network is its owner's")
	}
	assert.Equal(t, []any{"subnet-00000000000000003", "subnet-00000000000000004"}, m.Only(t, "aws:eks/cluster:Cluster").Inputs["vpcConfig"].(map[string]any)["subnetIds"])

	m = account()
	m.Functions["aws:ec2/getVpc:getVpc"] = func(map[string]any) (map[string]any, error) {
		return map[string]any{"cidrBlock": "10.9.0.0/16", "enableDnsHostnames": false, "enableDnsSupport": true}, nil
	}
	m.Functions["aws:ec2/getSubnet:getSubnet"] = func(args map[string]any) (map[string]any, error) {
		return map[string]any{"id": args["id"], "vpcId": "vpc-1", "availabilityZone": "eu-central-1a"}, nil
	}
	err := m.Preview(own, request())
	for _, said := range []string{
		`eks.cidr: is "172.16.0.0/22", but vpc-0123456789abcdef0 has "10.9.0.0/16"`, "eks.vpcId: vpc-0123456789abcdef0 has DNS names or DNS resolution turned off",
		"eks.publicSubnetIds: subnet-00000000000000001 is a subnet of vpc-1, not of eks.vpcId", "eks.nodeSubnetIds: are all in eu-central-1a; EKS needs two zones",
	} {
		require.ErrorContains(t, err, said)
	}
	half := with(func(s *Settings) { s.VPCID, s.NodeSubnetIDs = "vpc-1", []string{"x"} })
	v := half.settings.violations(request().Spec).Err()
	for _, said := range []string{`eks.vpcId: "vpc-1" is not the id of a VPC`, "eks.publicSubnetIds: has 0 subnets", `eks.nodeSubnetIds: "x" is not the id of a subnet`} {
		require.ErrorContains(t, v, said)
	}
	assert.ErrorContains(t, with(func(s *Settings) { s.NodeSubnetIDs = []string{"subnet-00000000000000003"} }).settings.violations(request().Spec).Err(), "eks.nodeSubnetIds: is set, but eks.vpcId is not")
}

func TestKubeconfigHoldsNoSecret(t *testing.T) {
	provider := deployed(t, New(), request()).Only(t, "pulumi:providers:kubernetes").Inputs
	var config map[string]any
	require.NoError(t, json.Unmarshal([]byte(provider["kubeconfig"].(string)), &config))
	users, err := json.Marshal(config["users"])
	require.NoError(t, err)
	assert.JSONEq(t, `[{"name": "escala-production-api-001122", "user": {"exec": {
		"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws", "interactiveMode": "Never", "installHint": "install the AWS CLI, version 2",
		"args": ["--region", "eu-central-1", "eks", "get-token", "--cluster-name", "escala-production-api-001122", "--output", "json"]
	}}}]`, string(users))
	assert.Equal(t, "https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com", provider["clusterIdentifier"])
}

func TestSecretsAreMarked(t *testing.T) {
	carried := 0
	for _, r := range deployed(t, New(), request()).Resources() {
		for key, value := range r.Inputs {
			text, err := json.Marshal(value)
			require.NoError(t, err)
			if strings.Contains(string(text), secret) {
				carried++
				assert.True(t, r.Secret[key], "%s %s %s", r.Type, r.Name, key)
			}
		}
	}
	assert.Equal(t, 1, carried)
}

func TestImages(t *testing.T) {
	m := deployed(t, New(), request())
	repository := m.Only(t, "aws:ecr/repository:Repository").Inputs
	assert.Equal(t, "IMMUTABLE", repository["imageTagMutability"])
	assert.Equal(t, true, repository["forceDelete"])
	assert.JSONEq(t, `{"rules": [
		{"rulePriority": 1, "description": "release cdcdcdcdcdcd", "action": {"type": "expire"},
		 "selection": {"tagStatus": "tagged", "tagPatternList": ["cdcdcdcdcdcd"], "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}},
		{"rulePriority": 2, "description": "uploads that broke off", "action": {"type": "expire"},
		 "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}}
	]}`, m.Only(t, "aws:ecr/lifecyclePolicy:LifecyclePolicy").Inputs["policy"].(string))
	deployment, err := json.Marshal(m.Only(t, "kubernetes:apps/v1:Deployment").Inputs)
	require.NoError(t, err)
	assert.Contains(t, string(deployment), "amazonaws.com/escala-production-api@sha256:"+strings.Repeat("ab", 32))
}
