package dodroplet

import (
	"encoding/json"
	"errors"
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

// request has everything in it that a target may be asked for.
func request() deploy.Request {
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL"}
	return deploy.Request{
		Spec:    spec,
		Secrets: map[string]string{"DATABASE_URL": secret},
		Release: build.Release{
			Release: service.Release{ID: service.ReleaseID(strings.Repeat("ab", 32)), Size: 4711},
			Path:    "/build/release",
		},
		Expired: []service.Release{{ID: service.ReleaseID(strings.Repeat("cd", 32)), Size: 1}},
		Stack:   "production",
	}
}

// cloud is a DigitalOcean that has what the defaults need.
func cloud() *pulumitest.Mocks {
	return &pulumitest.Mocks{
		Outputs: func(kind, _ string) map[string]any {
			switch kind {
			case "digitalocean:index/spacesKey:SpacesKey":
				return map[string]any{"accessKey": "DO00", "secretKey": spacesKey}
			case "random:index/randomId:RandomId":
				return map[string]any{"hex": "0011223344556677"}
			case "digitalocean:index/droplet:Droplet":
				return map[string]any{"ipv4Address": "192.0.2.1", "dropletUrn": "do:droplet:1"}
			case "digitalocean:index/reservedIp:ReservedIp":
				return map[string]any{"ipAddress": "192.0.2.2", "reservedIpUrn": "do:reservedip:192.0.2.2"}
			case "digitalocean:index/spacesBucket:SpacesBucket":
				return map[string]any{"bucketUrn": "do:space:x"}
			}
			return nil
		},
		Functions: map[string]func(map[string]any) (map[string]any, error){
			"digitalocean:index/getRegion:getRegion": func(map[string]any) (map[string]any, error) {
				return map[string]any{"available": true, "sizes": []any{"s-1vcpu-1gb"}}, nil
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
	m.ID = func(kind, name string) string {
		if kind == "digitalocean:index/droplet:Droplet" {
			return "400000001"
		}
		return name + "-id"
	}
	require.NoError(t, m.Preview(target, r))
	return m
}

func one(t *testing.T, m *pulumitest.Mocks, kind string) pulumitest.Registered {
	t.Helper()
	found := m.Of("digitalocean:index/" + kind)
	require.Len(t, found, 1, kind)
	return found[0]
}

func TestEverythingBelongsToTheServiceAndToItsProviders(t *testing.T) {
	for _, r := range deployed(t, New(), request()).Made() {
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

func TestOnlyTheWebIsOpen(t *testing.T) {
	m := deployed(t, New(), request())
	firewall := one(t, m, "firewall:Firewall").Inputs
	var open []any
	for _, rule := range firewall["inboundRules"].([]any) {
		r := rule.(map[string]any)
		assert.Equal(t, "tcp", r["protocol"])
		open = append(open, r["portRange"])
	}
	assert.ElementsMatch(t, []any{"80", "443"}, open)
	assert.NotContains(t, firewall, "dropletIds", "a Droplet must be behind it from its first moment")
	assert.Subset(t, one(t, m, "droplet:Droplet").Inputs["tags"], firewall["tags"])
}

// files are those of the Droplet's user-data.
func files(t *testing.T, m *pulumitest.Mocks) map[string]map[string]string {
	t.Helper()
	data := one(t, m, "droplet:Droplet").Inputs["userData"].(string)
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

// TestSecretsAreOnlyRootsAndTheStatesSecrets: a Droplet cannot be given them in
// another way.
func TestSecretsAreOnlyRootsAndTheStatesSecrets(t *testing.T) {
	m := deployed(t, New(), request())
	for path, f := range files(t, m) {
		if strings.Contains(f["content"], secret) || strings.Contains(f["content"], spacesKey) {
			assert.Equal(t, "0600", f["permissions"], path)
		}
	}
	assert.Contains(t, files(t, m)["/etc/escala/secrets.conf"]["content"], secret)
	assert.Contains(t, files(t, m)["/etc/escala/store-key.conf"]["content"], spacesKey)
	assert.Contains(t, files(t, m)["/etc/escala/metadata.nft"]["content"], "meta skuid != 0 ip daddr 169.254.169.254")
	for _, r := range m.Made() {
		inputs, err := json.Marshal(r.Inputs)
		require.NoError(t, err)
		if strings.Contains(string(inputs), secret) || strings.Contains(string(inputs), spacesKey) {
			assert.Equal(t, "digitalocean:index/droplet:Droplet", r.Type)
			assert.True(t, r.Secret["userData"])
		}
	}
}

func TestMachine(t *testing.T) {
	machine := one(t, deployed(t, New(), request()), "droplet:Droplet").Inputs
	assert.Equal(t, true, machine["monitoring"])
	assert.Equal(t, true, machine["ipv6"])
	assert.Equal(t, false, machine["backups"])
	assert.Equal(t, false, machine["dropletAgent"])
	assert.NotContains(t, machine, "sshKeys")
	assert.NotContains(t, machine, "name", "a second machine beside the first needs a name of its own")
	target := New()
	target.settings.Backups = true
	target.settings.Tags = []string{"team:web"}
	machine = one(t, deployed(t, target, request()), "droplet:Droplet").Inputs
	assert.Equal(t, true, machine["backups"])
	assert.Equal(t, []any{"escala-production", "team:web"}, machine["tags"])
}

func TestReleaseBucket(t *testing.T) {
	m := deployed(t, New(), request())
	buckets := m.Of("digitalocean:index/spacesBucket:SpacesBucket")
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
	}, one(t, m, "spacesKey:SpacesKey").Inputs["grants"], "a machine writes no release")

	keys := map[any]any{}
	for _, object := range m.Of("digitalocean:index/spacesBucketObject:SpacesBucketObject") {
		keys[object.Inputs["key"]] = object.Inputs["content"]
		assert.Equal(t, "private", object.Inputs["acl"])
	}
	id := strings.Repeat("ab", 32)
	assert.Equal(t, map[any]any{"current": id + " 4711\n", "releases/" + id: nil}, keys)

	// An earlier release whose binary is elsewhere is in the store already.
	r := request()
	r.Release.Path = ""
	assert.Len(t, deployed(t, New(), r).Of("digitalocean:index/spacesBucketObject:SpacesBucketObject"), 1)
}

func TestProjectShowsWhatBelongsTogether(t *testing.T) {
	assert.ElementsMatch(t, []any{"do:droplet:1", "do:space:x", "do:reservedip:192.0.2.2"},
		one(t, deployed(t, New(), request()), "project:Project").Inputs["resources"])
}

func TestWhatDigitalOceanSaysNoTo(t *testing.T) {
	m := cloud()
	target := New()
	target.settings.Size = "s-64vcpu-1gb"
	m.Functions["digitalocean:index/getImage:getImage"] = func(map[string]any) (map[string]any, error) {
		return nil, errors.New("not found")
	}
	err := m.Preview(target, request())
	require.ErrorContains(t, err, `digitalocean.size: "s-64vcpu-1gb" is not to be had in fra1`)
	require.ErrorContains(t, err, `digitalocean.image: "debian-12-x64" cannot be asked for: `)
	for _, r := range m.Made() {
		assert.True(t, strings.HasPrefix(r.Type, "pulumi:") || r.Type == "escala:digitalocean:Service", "%s was registered", r.Type)
	}
}

func TestBadSettings(t *testing.T) {
	target := &Droplet{settings: Settings{Region: "Frankfurt", CIDR: "8.8.8.0/24", Tags: []string{"a b"}}}
	var v service.Violations
	require.ErrorAs(t, target.Check(t.Context(), request()), &v)
	var paths []string
	for _, one := range v {
		paths = append(paths, one.Path)
	}
	assert.Equal(t, []string{
		"digitalocean.region", "digitalocean.size", "digitalocean.image", "digitalocean.generation", "digitalocean.cidr", "digitalocean.tags",
	}, paths)
	require.NoError(t, New().Check(t.Context(), request()))

	r := request()
	r.Spec.Env = map[string]string{"MUCH": strings.Repeat("x", 40000)}
	assert.ErrorContains(t, New().Check(t.Context(), r), "and the cloud takes 65536")
}
