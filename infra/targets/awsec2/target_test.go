package awsec2

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
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
		Agent:   build.Release{Release: service.Release{ID: service.ReleaseID(strings.Repeat("0e", 32)), Size: 7}, Path: "agent"},
		Release: build.Release{
			Release: service.Release{ID: service.ReleaseID(strings.Repeat("ab", 32)), Size: 4711},
			Path:    "aws_test.go",
		},
		Expired: []service.Release{{ID: service.ReleaseID(strings.Repeat("cd", 32)), Size: 1}},
		Stack:   "production",
	}
}

// cloud returns a fake AWS that has what the defaults need.
func cloud() *pulumitest.Mocks {
	say := func(answer map[string]any) func(map[string]any) (map[string]any, error) {
		return func(map[string]any) (map[string]any, error) { return answer, nil }
	}
	return &pulumitest.Mocks{
		Outputs: func(kind, _ string) map[string]any {
			switch kind {
			case "aws:s3/bucketV2:BucketV2":
				return map[string]any{"arn": "arn:aws:s3:::the-bucket", "bucket": "the-bucket"}
			case "aws:ssm/parameter:Parameter":
				return map[string]any{"arn": "arn:aws:ssm:eu-central-1:123456789012:parameter/escala/production/0011223344556677/DATABASE_URL", "version": 3}
			case "random:index/randomId:RandomId":
				return map[string]any{"hex": "0011223344556677"}
			case "random:index/randomBytes:RandomBytes":
				return map[string]any{"hex": seed, "base64": "x"}
			case "aws:ec2/instance:Instance":
				return map[string]any{"publicIp": "192.0.2.1"}
			case "aws:ec2/eip:Eip":
				return map[string]any{"publicIp": "192.0.2.2", "allocationId": "eipalloc-1"}
			}
			return nil
		},
		Functions: map[string]func(map[string]any) (map[string]any, error){
			"aws:index/getCallerIdentity:getCallerIdentity": say(map[string]any{"accountId": "123456789012", "arn": "arn:aws:iam::123456789012:user/someone"}),
			"aws:ec2/getInstanceType:getInstanceType":       say(map[string]any{"supportedArchitectures": []any{"arm64"}}),
			"aws:ec2/getAmi:getAmi":                         say(map[string]any{"id": "ami-0123456789abcdef0", "architecture": "arm64"}),
			"aws:ec2/getSubnet:getSubnet": say(map[string]any{
				"id": "subnet-0123456789abcdef0", "vpcId": "vpc-0123456789abcdef0", "availabilityZone": "eu-central-1b",
			}),
			"aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": say(map[string]any{"locations": []any{"eu-central-1c", "eu-central-1b"}}),
			"aws:ec2/getRouteTable:getRouteTable": say(map[string]any{
				"routes": []any{map[string]any{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-0123456789abcdef0"}},
			}),
		},
	}
}

func deployed(t *testing.T, target *EC2, r deploy.Request) *pulumitest.Mocks {
	t.Helper()
	m := cloud()
	require.NoError(t, m.Preview(target, r))
	return m
}

func TestEverythingBelongsToTheServiceAndToItsProviders(t *testing.T) {
	m := deployed(t, New(), request())
	for _, r := range m.Resources() {
		switch {
		case r.Type == "pulumi:pulumi:Stack" || r.Type == "escala:aws:Service":
			continue
		case strings.HasPrefix(r.Type, "pulumi:providers:"):
		default:
			assert.NotEmpty(t, r.Provider, "%s %s goes to a default provider", r.Type, r.Name)
		}
		assert.True(t, strings.HasSuffix(r.Parent, "escala:aws:Service::api"), "%s %s is under %s", r.Type, r.Name, r.Parent)
	}
	tags := m.Only(t, "pulumi:providers:aws").Inputs["defaultTags"]
	encoded, err := json.Marshal(tags)
	require.NoError(t, err)
	for _, tag := range []string{"Project", "escala", "Stack", "production", "Service", "api"} {
		assert.Contains(t, string(encoded), tag)
	}
}

// TestNothingThatServesGoesFirst checks that no provider deletes a resource before
// its replacement, unless the program states the order.
func TestNothingThatServesGoesFirst(t *testing.T) {
	assert.Empty(t, deployed(t, New(), request()).DeletedFirst())
}

func TestOnlyTheWebIsOpen(t *testing.T) {
	group := deployed(t, New(), request()).Only(t, "aws:ec2/securityGroup:SecurityGroup")
	var open []any
	for _, rule := range group.Inputs["ingress"].([]any) {
		r := rule.(map[string]any)
		assert.Equal(t, "tcp", r["protocol"])
		assert.Equal(t, r["fromPort"], r["toPort"])
		open = append(open, r["fromPort"])
	}
	assert.ElementsMatch(t, []any{80.0, 443.0}, open)
}

func TestMachine(t *testing.T) {
	m := deployed(t, New(), request())
	machine := m.Only(t, "aws:ec2/instance:Instance").Inputs
	assert.Equal(t, map[string]any{
		"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1.0, "instanceMetadataTags": "disabled",
	}, machine["metadataOptions"])
	disk := machine["rootBlockDevice"].(map[string]any)
	assert.Equal(t, true, disk["encrypted"])
	assert.Equal(t, "gp3", disk["volumeType"])
	assert.Equal(t, true, machine["userDataReplaceOnChange"])
	assert.NotContains(t, machine, "keyName", "nobody logs in by SSH")
	assert.Equal(t, "t4g.small", machine["instanceType"])
	assert.Equal(t, map[string]any{"cpuCredits": "unlimited"}, machine["creditSpecification"])
	subnet := m.Only(t, "aws:ec2/subnet:Subnet").Inputs
	assert.Equal(t, "eu-central-1b", subnet["availabilityZone"], "the first zone that has the type")
	assert.Equal(t, "10.20.0.0/24", subnet["cidrBlock"])
}

func TestOnlyBurstableTypesHaveCredits(t *testing.T) {
	target := New()
	target.settings.InstanceType = "m7g.medium"
	assert.NotContains(t, deployed(t, target, request()).Only(t, "aws:ec2/instance:Instance").Inputs, "creditSpecification")
	target.settings.CPUCredits = "standard"
	assert.ErrorContains(t, target.Check(t.Context(), request()), `aws.cpuCredits: is set, but "m7g.medium" has no CPU credits`)
}

func TestZones(t *testing.T) {
	target := New()
	target.settings.Zone = "eu-central-1c"
	subnet := deployed(t, target, request()).Only(t, "aws:ec2/subnet:Subnet")
	assert.Equal(t, "api-public-eu-central-1c", subnet.Name)
	assert.Equal(t, "eu-central-1c", subnet.Inputs["availabilityZone"])
	assert.Equal(t, "10.20.3.0/24", subnet.Inputs["cidrBlock"], "beside the first one's")

	target.settings.Zone = "eu-central-1a"
	require.ErrorContains(t, cloud().Preview(target, request()), `aws.zone: eu-central-1a does not have "t4g.small"; these do: eu-central-1b, eu-central-1c`)

	for name, tt := range map[string]struct {
		change  func(*Settings)
		message string
	}{
		"another region": {func(s *Settings) { s.Zone = "us-east-1a" }, `aws.zone: "us-east-1a" is not an availability zone of eu-central-1`},
		"a small VPC":    {func(s *Settings) { s.Zone, s.CIDR = "eu-central-1a", "10.0.0.0/24" }, "aws.zone: needs a VPC of /21 or larger"},
		"own subnet":     {func(s *Settings) { s.Zone, s.SubnetID = "eu-central-1a", "subnet-0123456789abcdef0" }, "aws.zone: is set, but aws.subnetId has a zone already"},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSettings()
			tt.change(&s)
			assert.ErrorContains(t, s.violations().Err(), tt.message)
		})
	}
}

// TestHowToAskBeginsWithTheConsole checks the order of the instructions. The
// console works even when the machine's agent cannot be reached.
func TestHowToAskBeginsWithTheConsole(t *testing.T) {
	said := troubleshooting("eu-central-1", "i-1")
	assert.Less(t, strings.Index(said, "get-console-output --latest"), strings.Index(said, "start-session"))
	assert.Contains(t, said, "--region eu-central-1 --instance-id i-1")
}

// userData returns the machine's user-data as cloud-init reads it.
func userData(t *testing.T, m *pulumitest.Mocks) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(m.Only(t, "aws:ec2/instance:Instance").Inputs["userDataBase64"].(string))
	require.NoError(t, err)
	assert.LessOrEqual(t, len(raw), 16<<10)
	z, err := gzip.NewReader(bytes.NewReader(raw))
	require.NoError(t, err)
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	return string(plain)
}

func TestNoSecretIsInUserData(t *testing.T) {
	m := deployed(t, New(), request())
	data := userData(t, m)
	assert.NotContains(t, data, secret)
	assert.Contains(t, data, "/escala/production/0011223344556677", "the machine knows where its secrets are")
	assert.Contains(t, data, "DATABASE_URL")
	assert.Contains(t, data, "https://the-bucket.s3.eu-central-1.amazonaws.com")
	assert.Contains(t, data, "ip daddr 169.254.169.254")

	parameter := m.Only(t, "aws:ssm/parameter:Parameter")
	assert.Equal(t, "SecureString", parameter.Inputs["type"])
	assert.Equal(t, "/escala/production/0011223344556677/DATABASE_URL", parameter.Inputs["name"])
	assert.Equal(t, secret, parameter.Inputs["value"])
	assert.True(t, parameter.Secret["value"])
	for _, r := range m.Resources() {
		if r.Type == parameter.Type {
			continue
		}
		inputs, err := json.Marshal(r.Inputs)
		require.NoError(t, err)
		assert.NotContains(t, string(inputs), secret, "%s %s", r.Type, r.Name)
	}
}

// TestNewSecretIsANewMachine checks that a secret's new version changes user-data.
// User-data has the version, because it does not have the value.
func TestNewSecretIsANewMachine(t *testing.T) {
	m := cloud()
	before := m.Outputs
	m.Outputs = func(kind, name string) map[string]any {
		out := before(kind, name)
		if kind == "aws:ssm/parameter:Parameter" {
			out["version"] = 4
		}
		return out
	}
	require.NoError(t, m.Preview(New(), request()))
	assert.NotEqual(t, userData(t, deployed(t, New(), request())), userData(t, m))
}

// allowed returns the actions that a policy allows, by resource.
func allowed(t *testing.T, document any) map[string][]string {
	t.Helper()
	var p struct {
		Statement []struct {
			Effect           string
			Action, Resource []string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(document.(string)), &p))
	all := map[string][]string{}
	for _, s := range p.Statement {
		require.Equal(t, "Allow", s.Effect)
		for _, r := range s.Resource {
			all[r] = append(all[r], s.Action...)
		}
	}
	return all
}

func TestTheMachineMayDoNothingElse(t *testing.T) {
	m := deployed(t, New(), request())
	assert.Equal(t, map[string][]string{
		"arn:aws:s3:::the-bucket/current":                  {"s3:GetObject"},
		"arn:aws:s3:::the-bucket/releases/*":               {"s3:GetObject"},
		"arn:aws:s3:::the-bucket/requests/*":               {"s3:GetObject"},
		"arn:aws:ec2:eu-central-1:123456789012:instance/*": {"ssm:UpdateInstanceInformation"},
		"arn:aws:ssm:eu-central-1:123456789012:parameter/escala/production/0011223344556677/DATABASE_URL": {"ssm:GetParameters"},
		"arn:aws:s3:::the-bucket/agents/*": {"s3:GetObject"},
		// Session Manager's channels support no narrower resource.
		"*": {"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"},
	}, allowed(t, policyOf(t, m, "api-machine")))
	assert.Empty(t, m.OfType("aws:iam/rolePolicyAttachment:RolePolicyAttachment"), "managed policies allow more")

	r := request()
	r.Spec.Secrets, r.Secrets = nil, nil
	for resource := range allowed(t, policyOf(t, deployed(t, New(), r), "api-machine")) {
		assert.NotContains(t, resource, "parameter", "without secrets there is nothing to read")
	}
}

func TestReleaseBucket(t *testing.T) {
	m := deployed(t, New(), request())
	assert.Equal(t, "escala-production-releases-0011223344556677", m.Only(t, "aws:s3/bucketV2:BucketV2").Inputs["bucket"])
	private := m.Only(t, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").Inputs
	for _, key := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"} {
		assert.Equal(t, true, private[key], key)
	}
	assert.Equal(t, map[string]any{"status": "Enabled"}, m.Only(t, "aws:s3/bucketVersioningV2:BucketVersioningV2").Inputs["versioningConfiguration"])
	encryption := m.Only(t, "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2").Inputs["rules"].([]any)[0].(map[string]any)
	assert.Equal(t, map[string]any{"sseAlgorithm": "AES256"}, encryption["applyServerSideEncryptionByDefault"])
	policy := m.Only(t, "aws:s3/bucketPolicy:BucketPolicy").Inputs["policy"].(string)
	assert.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Sid":"OnlyTLS","Effect":"Deny","Principal":"*","Action":["s3:*"],
		"Resource":["arn:aws:s3:::the-bucket","arn:aws:s3:::the-bucket/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`, policy)

	rules := m.Only(t, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2").Inputs["rules"].([]any)
	require.Len(t, rules, 3)
	assert.Equal(t, map[string]any{"prefix": "machines/"}, rules[1].(map[string]any)["filter"])
	assert.Equal(t, map[string]any{"prefix": "releases/" + strings.Repeat("cd", 32)}, rules[2].(map[string]any)["filter"])

	keys := map[any]any{}
	for _, object := range m.OfType("aws:s3/bucketObjectv2:BucketObjectv2") {
		keys[object.Inputs["key"]] = object.Inputs["content"]
	}
	id := strings.Repeat("ab", 32)
	assert.Equal(t, map[any]any{"current": id + " 4711\n", "releases/" + id: nil, "agents/" + strings.Repeat("0e", 32): nil}, keys)
}

func TestASubnetOfOnesOwn(t *testing.T) {
	target := New()
	target.settings.SubnetID = "subnet-0123456789abcdef0"
	m := deployed(t, target, request())
	assert.Empty(t, m.OfType("aws:ec2/vpc:Vpc"))
	assert.Equal(t, "vpc-0123456789abcdef0", m.Only(t, "aws:ec2/securityGroup:SecurityGroup").Inputs["vpcId"])
	assert.Equal(t, "subnet-0123456789abcdef0", m.Only(t, "aws:ec2/instance:Instance").Inputs["subnetId"])

	private := cloud()
	private.Functions["aws:ec2/getRouteTable:getRouteTable"] = func(args map[string]any) (map[string]any, error) {
		if args["subnetId"] != nil {
			return nil, errors.New("query returned no results") // the VPC's main table applies
		}
		return map[string]any{"routes": []any{map[string]any{"cidrBlock": "0.0.0.0/0", "natGatewayId": "nat-1", "gatewayId": ""}}}, nil
	}
	private.Functions["aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"] = func(map[string]any) (map[string]any, error) {
		return map[string]any{"locations": []any{"eu-central-1a"}}, nil
	}
	err := private.Preview(target, request())
	require.ErrorContains(t, err, "aws.subnetId: subnet-0123456789abcdef0 has no route to an internet gateway")
	assert.ErrorContains(t, err, `aws.subnetId: subnet-0123456789abcdef0 is in eu-central-1b, which does not have "t4g.small"`)
}

// TestWhatAWSSaysNoTo checks that all problems are reported at once, before
// anything but the providers is registered.
func TestWhatAWSSaysNoTo(t *testing.T) {
	target := New()
	target.settings.InstanceType = "m9x.huge"
	target.settings.SubnetID = "subnet-0123456789abcdef0"
	target.settings.VPCID = "vpc-00000000000000000"
	m := cloud()
	m.Functions["aws:ec2/getInstanceType:getInstanceType"] = func(map[string]any) (map[string]any, error) {
		return nil, errors.New("InvalidInstanceType")
	}
	m.Functions["aws:ec2/getAmi:getAmi"] = func(map[string]any) (map[string]any, error) {
		return map[string]any{"id": "ami-1", "architecture": "x86_64"}, nil
	}
	err := m.Preview(target, request())
	require.Error(t, err)
	for _, said := range []string{
		`aws.instanceType: "m9x.huge" is not available in eu-central-1`,
		`aws.ami: ami-1 is an image for x86_64, but aws.arch is "arm64"`,
		"aws.subnetId: subnet-0123456789abcdef0 is a subnet of vpc-0123456789abcdef0, not of aws.vpcId vpc-00000000000000000",
	} {
		require.ErrorContains(t, err, said)
	}
	for _, r := range m.Resources() {
		assert.True(t, strings.HasPrefix(r.Type, "pulumi:") || r.Type == "escala:aws:Service", "%s was registered", r.Type)
	}

	other := New()
	other.settings.Arch, other.settings.InstanceType = "amd64", "t4g.small"
	assert.ErrorContains(t, cloud().Preview(other, request()), `aws.instanceType: "t4g.small" is for [arm64], but aws.arch is "amd64"`)
}

func TestBadSettings(t *testing.T) {
	target := &EC2{settings: Settings{
		Region: "Frankfurt", Arch: "riscv", InstanceType: "big", DiskGiB: 1, AMI: "debian", CIDR: "10.20.3.0/16",
		Zone: "eu-central-1", VPCID: "vpc-1", Tags: map[string]string{"aws:x": "y"},
	}}
	err := target.Check(t.Context(), request())
	var v service.Violations
	require.ErrorAs(t, err, &v)
	var paths []string
	for _, one := range v {
		paths = append(paths, one.Path)
	}
	assert.Equal(t, []string{
		"aws.region", "aws.arch", "aws.instanceType", "aws.diskGiB", "aws.ami", "aws.generation", "aws.cpuCredits", "aws.cidr", "aws.zone", "aws.vpcId", "aws.subnetId", "aws.tags.aws:x",
	}, paths)
	for cidr, ok := range map[string]bool{"10.0.0.0/16": true, "10.0.0.0/28": true, "10.0.0.0/8": false, "10.0.0.0/29": false, "fd00::/16": false, "x": false} {
		s := NewSettings()
		s.CIDR = cidr
		assert.Equal(t, ok, s.violations().Err() == nil, cidr)
	}
	assert.NoError(t, New().Check(t.Context(), request()))
}

func TestUserDataThatIsTooLarge(t *testing.T) {
	r := request()
	// The value is incompressible and the same each time.
	random := make([]byte, 0, 40000)
	state := uint32(1)
	for range 40000 {
		state = state*1664525 + 1013904223
		random = append(random, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[state>>26])
	}
	r.Spec.Env = map[string]string{"NOISE": string(random)}
	assert.ErrorContains(t, New().Check(t.Context(), r), "and the cloud accepts 16384")
}
