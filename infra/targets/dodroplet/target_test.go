package dodroplet

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/testing/pulumitest"
	"escala/service"
)

const (
	secret    = "correct horse battery staple"
	spacesKey = "the-read-only-key"
)

// request returns a request that uses every feature of a target.
func request(t *testing.T) deploy.Request {
	t.Helper()
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL"}
	path := filepath.Join(t.TempDir(), "release")
	require.NoError(t, os.WriteFile(path, []byte("the service"), 0o600))
	t.Setenv("SPACES_ACCESS_KEY_ID", "id")
	t.Setenv("SPACES_SECRET_ACCESS_KEY", "key")
	return deploy.Request{
		Spec:    spec,
		Secrets: map[string]string{"DATABASE_URL": secret},
		Agent:   build.Release{Release: service.Release{ID: service.ReleaseID(strings.Repeat("0e", 32)), Size: 7}, Path: path},
		Release: build.Release{
			Release: service.Release{ID: service.ReleaseID(strings.Repeat("ab", 32)), Size: 4711},
			Path:    path,
		},
		Expired: []service.Release{{ID: service.ReleaseID(strings.Repeat("cd", 32)), Size: 1}},
		Stack:   "production",
	}
}

// cloud returns a fake DigitalOcean that has what the defaults need.
func cloud() *pulumitest.Mocks {
	return &pulumitest.Mocks{
		ID: func(kind, name string) string {
			if kind == "digitalocean:index/droplet:Droplet" {
				return "400000001"
			}
			return name + "-id"
		},
		Outputs: func(kind, _ string) map[string]any {
			switch kind {
			case "digitalocean:index/spacesKey:SpacesKey":
				return map[string]any{"accessKey": "DO00", "secretKey": spacesKey}
			case "random:index/randomId:RandomId":
				return map[string]any{"hex": "0011223344556677"}
			case "random:index/randomBytes:RandomBytes":
				return map[string]any{"hex": seed, "base64": "x"}
			case "digitalocean:index/droplet:Droplet":
				return map[string]any{"ipv4Address": "192.0.2.1", "dropletUrn": "do:droplet:1"}
			case "digitalocean:index/reservedIp:ReservedIp":
				return map[string]any{"ipAddress": "192.0.2.2", "reservedIpUrn": "do:reservedip:192.0.2.2"}
			}
			return nil
		},
		Functions: map[string]func(map[string]any) (map[string]any, error){
			"digitalocean:index/getRegion:getRegion": func(map[string]any) (map[string]any, error) {
				return map[string]any{"available": true, "sizes": []any{"s-1vcpu-1gb"}}, nil
			},
			"digitalocean:index/getVpc:getVpc": func(args map[string]any) (map[string]any, error) {
				return map[string]any{"id": args["id"], "region": "fra1", "default": args["id"] == nil}, nil
			},
			"digitalocean:index/getSshKey:getSshKey": func(args map[string]any) (map[string]any, error) {
				if args["name"] != "work" {
					return nil, errors.New("not found")
				}
				return map[string]any{"fingerprint": "aa:bb"}, nil
			},
			"digitalocean:index/getImage:getImage": func(map[string]any) (map[string]any, error) {
				return map[string]any{"regions": []any{"fra1"}}, nil
			},
		},
	}
}

func deployed(t *testing.T, target *Droplet, r deploy.Request) *pulumitest.Mocks {
	t.Helper()
	m := cloud()
	require.NoError(t, m.Preview(target, r))
	return m
}

func TestEverythingBelongsToTheServiceAndToItsProviders(t *testing.T) {
	for _, r := range deployed(t, New(), request(t)).Resources() {
		switch {
		case r.Type == "pulumi:pulumi:Stack" || r.Type == "escala:digitalocean:Service":
			continue
		case strings.HasPrefix(r.Type, "pulumi:providers:"):
		default:
			assert.NotEmpty(t, r.Provider, "%s %s goes to a default provider", r.Type, r.Name)
		}
		assert.True(t, strings.HasSuffix(r.Parent, "escala:digitalocean:Service::api"), "%s %s is under %s", r.Type, r.Name, r.Parent)
	}
}

// TestNothingThatServesGoesFirst checks that no provider deletes a resource before
// its replacement, unless the program states the order.
func TestNothingThatServesGoesFirst(t *testing.T) {
	assert.Empty(t, deployed(t, New(), request(t)).DeletedFirst())
}

func TestOnlyTheWebIsOpen(t *testing.T) {
	m := deployed(t, New(), request(t))
	firewall := m.Only(t, "digitalocean:index/firewall:Firewall").Inputs
	var open []any
	for _, rule := range firewall["inboundRules"].([]any) {
		r := rule.(map[string]any)
		assert.Equal(t, "tcp", r["protocol"])
		open = append(open, r["portRange"])
	}
	assert.ElementsMatch(t, []any{"80", "443"}, open)
	assert.NotContains(t, firewall, "dropletIds", "a Droplet must be behind it from its first moment")
	assert.Subset(t, m.Only(t, "digitalocean:index/droplet:Droplet").Inputs["tags"], firewall["tags"])
}

// files returns the files in the Droplet's user-data.
func files(t *testing.T, m *pulumitest.Mocks) map[string]map[string]string {
	t.Helper()
	data := m.Only(t, "digitalocean:index/droplet:Droplet").Inputs["userData"].(string)
	assert.LessOrEqual(t, len(data), 64<<10)
	var config struct {
		WriteFiles []map[string]string `yaml:"write_files"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(data), &config))
	all := map[string]map[string]string{}
	for _, f := range config.WriteFiles {
		all[f["path"]] = f
	}
	return all
}

// TestSecretsAreOnlyRootsAndTheStatesSecrets checks user-data, which is the only
// way to give secrets to a Droplet.
func TestSecretsAreOnlyRootsAndTheStatesSecrets(t *testing.T) {
	m := deployed(t, New(), request(t))
	for path, f := range files(t, m) {
		if strings.Contains(f["content"], secret) || strings.Contains(f["content"], spacesKey) {
			assert.Equal(t, "0600", f["permissions"], path)
		}
	}
	assert.Contains(t, files(t, m)["/etc/escala/secrets.json"]["content"], secret)
	assert.Contains(t, files(t, m)["/etc/escala/store-key.json"]["content"], spacesKey)
	assert.Contains(t, files(t, m)["/etc/escala/metadata.nft"]["content"], "meta skuid != 0 ip daddr 169.254.169.254")
	for _, r := range m.Resources() {
		inputs, err := json.Marshal(r.Inputs)
		require.NoError(t, err)
		if strings.Contains(string(inputs), secret) || strings.Contains(string(inputs), spacesKey) {
			assert.Equal(t, "digitalocean:index/droplet:Droplet", r.Type)
			assert.True(t, r.Secret["userData"])
		}
	}
}

func TestMachine(t *testing.T) {
	machine := deployed(t, New(), request(t)).Only(t, "digitalocean:index/droplet:Droplet").Inputs
	assert.Equal(t, false, machine["monitoring"], "its agent's installer would run beside the machine's own")
	assert.Equal(t, true, machine["ipv6"])
	assert.Equal(t, false, machine["backups"])
	assert.Equal(t, false, machine["dropletAgent"])
	assert.NotContains(t, machine, "sshKeys")
	assert.NotContains(t, machine, "name", "a second machine beside the first needs a name of its own")
	target := New()
	target.settings.Backups = true
	target.settings.Tags = []string{"team:web"}
	machine = deployed(t, target, request(t)).Only(t, "digitalocean:index/droplet:Droplet").Inputs
	assert.Equal(t, true, machine["backups"])
	assert.Equal(t, []any{"escala-production-0011223344556677", "team:web"}, machine["tags"], "no other clone's")
}

func TestReleaseBucket(t *testing.T) {
	m := deployed(t, New(), request(t))
	buckets := m.OfType("digitalocean:index/spacesBucket:SpacesBucket")
	require.Len(t, buckets, 2)
	bucket, machines := buckets[0].Inputs, buckets[1].Inputs
	if bucket["name"] == "escala-production-machines-0011223344556677" {
		bucket, machines = machines, bucket
	}
	assert.Equal(t, "escala-production-releases-0011223344556677", bucket["name"])
	assert.Equal(t, "private", bucket["acl"])
	assert.Equal(t, map[string]any{"enabled": true}, bucket["versioning"])
	rules := bucket["lifecycleRules"].([]any)
	require.Len(t, rules, 2)
	assert.Equal(t, "releases/"+strings.Repeat("cd", 32), rules[1].(map[string]any)["prefix"])
	assert.Equal(t, "escala-production-machines-0011223344556677", machines["name"])
	assert.Equal(t, "private", machines["acl"])
	assert.Equal(t, []any{
		map[string]any{"bucket": machines["name"], "permission": "readwrite"},
		map[string]any{"bucket": bucket["name"], "permission": "read"},
	}, m.Only(t, "digitalocean:index/spacesKey:SpacesKey").Inputs["grants"], "a machine writes no release")

	keys := map[any]any{}
	for _, object := range m.OfType("digitalocean:index/spacesBucketObject:SpacesBucketObject") {
		keys[object.Inputs["key"]] = object.Inputs["content"]
		assert.Equal(t, "private", object.Inputs["acl"])
	}
	id := strings.Repeat("ab", 32)
	assert.Equal(t, map[any]any{"current": id + " 4711\n", "releases/" + id: nil, "agents/" + strings.Repeat("0e", 32): nil}, keys)

	// An earlier release whose binary is not on this computer is already in the
	// store.
	r := request(t)
	r.Release.Path = ""
	assert.Len(t, deployed(t, New(), r).OfType("digitalocean:index/spacesBucketObject:SpacesBucketObject"), 2, "the agent and the pointer")
}

// TestNothingIsOnlyForShow checks that there is no Project. A Project's resources
// are moved before it is deleted. DigitalOcean refuses that for an address that is
// assigned to a Droplet, so an update or a destroy would fail for the sake of a
// mere view.
func TestNothingIsOnlyForShow(t *testing.T) {
	assert.Empty(t, deployed(t, New(), request(t)).OfType("digitalocean:index/project:Project"))
}

func TestNetwork(t *testing.T) {
	m := deployed(t, New(), request(t))
	assert.Empty(t, m.OfType("digitalocean:index/vpc:Vpc"), "the first VPC of a region can never be deleted")
	assert.NotContains(t, m.Only(t, "digitalocean:index/droplet:Droplet").Inputs, "vpcUuid")

	const id = "5a4981aa-9653-4bd1-bef5-d6bff52042e4"
	target := New()
	target.settings.VPC = id
	m = deployed(t, target, request(t))
	assert.Empty(t, m.OfType("digitalocean:index/vpc:Vpc"))
	assert.Equal(t, id, m.Only(t, "digitalocean:index/droplet:Droplet").Inputs["vpcUuid"])

	target = New()
	target.settings.CIDR = "10.20.0.0/20"
	m = deployed(t, target, request(t))
	assert.Equal(t, "10.20.0.0/20", m.Only(t, "digitalocean:index/vpc:Vpc").Inputs["ipRange"])

	m = cloud()
	m.Functions["digitalocean:index/getVpc:getVpc"] = func(map[string]any) (map[string]any, error) {
		return nil, errors.New("unable to find default VPC in fra1 region")
	}
	require.ErrorContains(t, m.Preview(target, request(t)), "digitalocean.cidr: region fra1 has no default VPC yet")
}

// TestLoggingIn checks that a login needs a key and addresses in the firewall.
func TestLoggingIn(t *testing.T) {
	target := New()
	target.settings.SSHKeys, target.settings.SSHFrom = []string{"work"}, []string{"203.0.113.7/32"}
	require.NoError(t, target.Check(t.Context(), request(t)))
	m := deployed(t, target, request(t))
	assert.Equal(t, []any{"aa:bb"}, m.Only(t, "digitalocean:index/droplet:Droplet").Inputs["sshKeys"])
	rules := m.Only(t, "digitalocean:index/firewall:Firewall").Inputs["inboundRules"].([]any)
	assert.Equal(t, map[string]any{"protocol": "tcp", "portRange": "22", "sourceAddresses": []any{"203.0.113.7/32"}}, rules[len(rules)-1])

	target.settings.SSHKeys = []string{"home"}
	require.ErrorContains(t, cloud().Preview(target, request(t)), `digitalocean.sshKeys[0]: the account has no SSH key "home"`)
}

// TestMonitoring checks that DigitalOcean's agent can reach the metadata service,
// which it uses as its own user.
func TestMonitoring(t *testing.T) {
	target := New()
	target.settings.Monitoring = true
	m := deployed(t, target, request(t))
	assert.Equal(t, true, m.Only(t, "digitalocean:index/droplet:Droplet").Inputs["monitoring"])
	rules := files(t, m)["/etc/escala/metadata.nft"]["content"]
	assert.Contains(t, rules, "meta skuid { escala, www-data } ip daddr 169.254.169.254 counter reject")
	assert.NotContains(t, rules, "!= 0")
}

// TestReleasesAreFoundDamaged checks the entity tags, with which a refresh detects
// damaged objects. The provider compares nothing else of an object's content.
func TestReleasesAreFoundDamaged(t *testing.T) {
	for _, object := range deployed(t, New(), request(t)).OfType("digitalocean:index/spacesBucketObject:SpacesBucketObject") {
		content, ok := object.Inputs["content"].(string)
		if !ok {
			content = "the service"
		}
		assert.Equal(t, etag([]byte(content)), object.Inputs["etag"], object.Name)
	}
	assert.Equal(t, "d41d8cd98f00b204e9800998ecf8427e", etag(nil))
}

// TestLifecycleRulesAreSorted checks that rules have the order in which Spaces
// returns them.
func TestLifecycleRulesAreSorted(t *testing.T) {
	r := request(t)
	for _, id := range []string{"ff", "01", "9a", "cd"} {
		r.Expired = append(r.Expired, service.Release{ID: service.ReleaseID(strings.Repeat(id, 32))})
	}
	var ids []string
	for _, bucket := range deployed(t, New(), r).OfType("digitalocean:index/spacesBucket:SpacesBucket") {
		if bucket.Name != "api-releases" {
			continue
		}
		for _, rule := range bucket.Inputs["lifecycleRules"].([]any) {
			ids = append(ids, rule.(map[string]any)["id"].(string))
		}
	}
	require.Len(t, ids, 6)
	assert.True(t, slices.IsSorted(ids), "%v", ids)
}

// TestSpacesAreNotEverywhere checks regions that have Droplets but no Spaces.
func TestSpacesAreNotEverywhere(t *testing.T) {
	target := New()
	target.settings.Region = "nyc1"
	require.NoError(t, target.Check(t.Context(), request(t)))
	assert.Equal(t, "nyc3", target.settings.spacesRegion())
	target.settings.Region = "mars1"
	require.ErrorContains(t, target.Check(t.Context(), request(t)), `digitalocean.spacesRegion: "mars1" has no Spaces`)
	target.settings.SpacesRegion = "fra1"
	require.NoError(t, target.Check(t.Context(), request(t)))
	m := cloud()
	m.Functions["digitalocean:index/getImage:getImage"] = func(map[string]any) (map[string]any, error) {
		return map[string]any{"regions": []any{"mars1"}}, nil
	}
	require.NoError(t, m.Preview(target, request(t)))
	for _, object := range m.OfType("digitalocean:index/spacesBucketObject:SpacesBucketObject") {
		assert.Equal(t, "fra1", object.Inputs["region"])
	}
	assert.Equal(t, "mars1", m.Only(t, "digitalocean:index/droplet:Droplet").Inputs["region"])
}

// TestKeysToSpacesAreLookedForFirst checks that missing keys are reported early.
// Without the keys, an update would fail at the bucket, after it has made nine
// other resources.
func TestKeysToSpacesAreLookedForFirst(t *testing.T) {
	r := request(t)
	t.Setenv("SPACES_SECRET_ACCESS_KEY", "")
	m := cloud()
	require.ErrorContains(t, m.Preview(New(), r), "this computer: lacks SPACES_SECRET_ACCESS_KEY in the environment")
	r.Offline = true
	require.NoError(t, cloud().Preview(New(), r), "a plan needs no account")
}

func TestWhatDigitalOceanSaysNoTo(t *testing.T) {
	m := cloud()
	target := New()
	target.settings.Size = "s-64vcpu-1gb"
	m.Functions["digitalocean:index/getImage:getImage"] = func(map[string]any) (map[string]any, error) {
		return nil, errors.New("not found")
	}
	err := m.Preview(target, request(t))
	require.ErrorContains(t, err, `digitalocean.size: "s-64vcpu-1gb" is not available in fra1`)
	require.ErrorContains(t, err, `digitalocean.image: "debian-12-x64" is not available: `)
	for _, r := range m.Resources() {
		assert.True(t, strings.HasPrefix(r.Type, "pulumi:") || r.Type == "escala:digitalocean:Service", "%s was registered", r.Type)
	}
}

func TestBadSettings(t *testing.T) {
	target := &Droplet{settings: Settings{
		Region: "Frankfurt", CIDR: "8.8.8.0/24", VPC: "default", Tags: []string{"a b"}, SSHFrom: []string{"0.0.0.0/0", "203.0.113.7/24", "home"},
	}}
	var v service.Violations
	require.ErrorAs(t, target.Check(t.Context(), request(t)), &v)
	var paths []string
	for _, one := range v {
		paths = append(paths, one.Path)
	}
	assert.Equal(t, []string{
		"digitalocean.region", "digitalocean.size", "digitalocean.image", "digitalocean.generation", "digitalocean.cidr",
		"digitalocean.vpc", "digitalocean.vpc", "digitalocean.sshKeys", "digitalocean.sshFrom[0]", "digitalocean.sshFrom[1]", "digitalocean.sshFrom[2]",
		"digitalocean.tags",
	}, paths)
	require.NoError(t, New().Check(t.Context(), request(t)))

	r := request(t)
	r.Spec.Env = map[string]string{"MUCH": strings.Repeat("x", 60000)}
	assert.ErrorContains(t, New().Check(t.Context(), r), "and the cloud accepts 65536")
}
