package dodoks

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/testing/pulumitest"
	"escala/service"
)

var update = flag.Bool("update", false, "write testdata anew")

const (
	secret, token = "correct horse battery staple", "dop_v1_token"
	pullLogin     = `{"auths":{"registry.digitalocean.com":{"auth":"read-only"}}}`
	defaultVPC    = "5a4981aa-9653-4bd1-bef5-d6bff52042e4"
)

// request returns a request that uses every feature of a target.
func request() deploy.Request {
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL"}
	return deploy.Request{
		Spec:    spec,
		Secrets: map[string]string{"DATABASE_URL": secret},
		Release: build.Release{Release: service.Release{ID: service.ReleaseID(strings.Repeat("ab", 32))}},
		Stack:   "production",
	}
}

// later returns the request after a successful update.
func later() deploy.Request {
	r := request()
	r.Outputs = map[string]any{"cluster": "escala-production-api-00112233"}
	return r
}

// cloud returns a fake DigitalOcean that has what the defaults need. running is the
// version of its cluster, or "" if it has no cluster.
func cloud(running string) *pulumitest.Mocks {
	return &pulumitest.Mocks{
		Outputs: func(kind, _ string) map[string]any {
			switch kind {
			case "digitalocean:index/certificate:Certificate":
				return map[string]any{"name": "api-certificate-1a2b3c4"}
			case "random:index/randomId:RandomId":
				return map[string]any{"hex": "00112233"}
			case "digitalocean:index/containerRegistry:ContainerRegistry":
				return map[string]any{"endpoint": "registry.digitalocean.com/own"}
			case "digitalocean:index/containerRegistryDockerCredentials:ContainerRegistryDockerCredentials":
				return map[string]any{"dockerCredentials": resource.MakeSecret(resource.NewStringProperty(pullLogin))}
			case "digitalocean:index/kubernetesCluster:KubernetesCluster":
				return map[string]any{
					"endpoint":    "https://0123.k8s.ondigitalocean.com",
					"kubeConfigs": []any{map[string]any{"clusterCaCertificate": "Y2VydGlmaWNhdGU=", "token": token}},
				}
			}
			return nil
		},
		Functions: map[string]func(args map[string]any) (map[string]any, error){
			"digitalocean:index/getRegion:getRegion": func(map[string]any) (map[string]any, error) {
				return map[string]any{"available": true, "sizes": []any{"s-2vcpu-4gb", "s-4vcpu-8gb"}}, nil
			},
			"digitalocean:index/getKubernetesCluster:getKubernetesCluster": func(args map[string]any) (map[string]any, error) {
				if running == "" {
					return nil, errors.New("Unable to find cluster with name: " + args["name"].(string))
				}
				return map[string]any{
					"name": args["name"], "version": running, "region": "fra1", "vpcUuid": defaultVPC,
					"nodePools": []any{map[string]any{"name": "nodes", "size": "s-2vcpu-4gb"}},
				}, nil
			},
			"digitalocean:index/getVpc:getVpc": func(args map[string]any) (map[string]any, error) {
				return map[string]any{"id": args["id"], "region": "fra1", "ipRange": "10.114.0.0/20", "default": args["id"] == nil || args["id"] == defaultVPC}, nil
			},
			"digitalocean:index/getKubernetesVersions:getKubernetesVersions": func(args map[string]any) (map[string]any, error) {
				offered := []any{}
				for _, version := range []string{"1.37.1-do.0", "1.36.5-do.0", "1.36.4-do.1"} {
					if prefix, _ := args["versionPrefix"].(string); strings.HasPrefix(version, prefix) {
						offered = append(offered, version)
					}
				}
				latest := ""
				if len(offered) > 0 {
					latest = offered[0].(string)
				}
				return map[string]any{"validVersions": offered, "latestVersion": latest}, nil
			},
			"digitalocean:index/getContainerRegistry:getContainerRegistry": func(args map[string]any) (map[string]any, error) {
				if args["name"] != "mine" {
					return nil, errors.New("the registry you requested was not found")
				}
				return map[string]any{"endpoint": "registry.digitalocean.com/mine"}, nil
			},
			"digitalocean:index/getDomain:getDomain": func(args map[string]any) (map[string]any, error) {
				if args["name"] != "example.com" {
					return nil, errors.New("domain not found")
				}
				return map[string]any{"name": args["name"]}, nil
			},
			"digitalocean:index/getRecords:getRecords": func(map[string]any) (map[string]any, error) {
				return map[string]any{"records": []any{}}, nil
			},
			"digitalocean:index/getCertificate:getCertificate": func(args map[string]any) (map[string]any, error) {
				return map[string]any{"name": args["name"]}, nil
			},
		},
	}
}

func deployed(t *testing.T, d *DOKS, r deploy.Request) *pulumitest.Mocks {
	t.Helper()
	m := cloud("")
	require.NoError(t, m.Preview(d, r))
	return m
}

// with returns a target whose settings change has changed.
func with(change func(*Settings)) *DOKS {
	d := New()
	change(&d.settings)
	return d
}

const cluster = "digitalocean:index/kubernetesCluster:KubernetesCluster"

func TestEverythingBelongsToTheServiceAndToItsProviders(t *testing.T) {
	for _, r := range deployed(t, New(), request()).Resources() {
		switch {
		case r.Type == "pulumi:pulumi:Stack" || r.Type == "escala:doks:Service":
			continue
		case strings.HasPrefix(r.Type, "pulumi:providers:"), strings.HasPrefix(r.Type, "escala:"):
		default:
			kind, _, _ := strings.Cut(r.Type, ":")
			assert.Contains(t, r.Provider, "::api-"+kind+"::", "%s %s goes to another provider", r.Type, r.Name)
		}
		assert.Regexp(t, `escala:doks:Service(\$escala:kubernetes:Workload)?::api$`, r.Parent, "%s %s is elsewhere", r.Type, r.Name)
	}
}

// TestNothingThatServesGoesFirst checks that no provider deletes a resource before
// its replacement, unless the program states the order.
func TestNothingThatServesGoesFirst(t *testing.T) {
	assert.Empty(t, deployed(t, New(), request()).DeletedFirst())
}

func TestCluster(t *testing.T) {
	m := deployed(t, with(func(s *Settings) { s.Tags = []string{"team:web"} }), request())
	in := m.Only(t, cluster).Inputs
	assert.Equal(t, map[string]any{
		"name": "escala-production-api-00112233", "region": "fra1", "version": "1.36.5-do.0",
		"ha": false, "autoUpgrade": true, "surgeUpgrade": true, "registryIntegration": false, "destroyAllAssociatedResources": true,
		"maintenancePolicy": map[string]any{"day": "any", "startTime": "03:00"},
		"nodePool": map[string]any{
			"name": "nodes", "size": "s-2vcpu-4gb", "autoScale": true, "minNodes": 2.0, "maxNodes": 4.0,
			"tags": []any{"escala-production-api", "team:web"},
		},
		"tags": []any{"escala-production-api", "team:web"},
	}, in)
}

func TestVersions(t *testing.T) {
	for _, tt := range []struct{ running, wanted, version, problem string }{
		{"", "1.36", "1.36.5-do.0", ""},
		{"", "1.35", "", `doks.version: "1.35" is not available; these are: 1.37.1-do.0, 1.36.5-do.0, 1.36.4-do.1`},
		{"1.36.2-do.0", "1.36", "1.36.2-do.0", ""},
		{"1.36.9-do.0", "1.36", "1.36.9-do.0", ""},
		// The last patch comes before the next minor version.
		{"1.36.2-do.0", "1.37", "1.36.5-do.0", ""},
		{"1.36.5-do.0", "1.37", "1.37.1-do.0", ""},
		{"1.36.10-do.0", "1.37", "1.37.1-do.0", ""},
		// DigitalOcean has already upgraded: a release must still work.
		{"1.37.1-do.0", "1.36", "1.37.1-do.0", ""},
		{"1.35.2-do.0", "1.36", "1.36.5-do.0", ""},
		{"1.35.2-do.0", "1.37", "", `doks.version: "1.37" is not available: the cluster runs 1.35.2-do.0: the next is 1.36, and then the one after it`},
	} {
		t.Run(tt.running+"→"+tt.wanted, func(t *testing.T) {
			m := cloud(tt.running)
			err := m.Preview(with(func(s *Settings) { s.Version = tt.wanted }), later())
			if tt.problem != "" {
				require.ErrorContains(t, err, tt.problem)
				assert.Empty(t, m.OfType(cluster))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.version, m.Only(t, cluster).Inputs["version"])
		})
	}
}

// TestNoSettingReplacesTheCluster checks that another size, region or VPC is
// refused. DigitalOcean would replace the cluster and delete the one that serves.
func TestNoSettingReplacesTheCluster(t *testing.T) {
	for problem, change := range map[string]func(*Settings){
		`doks.size: "s-4vcpu-8gb" is another size than that of the cluster's nodes, s-2vcpu-4gb`: func(s *Settings) { s.Size = "s-4vcpu-8gb" },
		`doks.region: "ams3" is another region than the cluster's, fra1`:                         func(s *Settings) { s.Region = "ams3" },
		`doks.vpc: the cluster is in another VPC, ` + defaultVPC:                                 func(s *Settings) { s.CIDR = "10.40.0.0/20" },
	} {
		m := cloud("1.36.5-do.0")
		require.ErrorContains(t, m.Preview(with(change), later()), problem)
		assert.Empty(t, m.OfType(cluster))
	}
	require.NoError(t, cloud("1.36.5-do.0").Preview(with(func(s *Settings) { s.VPC, s.MaxNodes = defaultVPC, 9 }), later()))
}

// TestCharts checks that the charts are in the clone: every update loads them.
func TestCharts(t *testing.T) {
	for _, release := range deployed(t, New(), request()).OfType("kubernetes:helm.sh/v3:Release") {
		assert.NotContains(t, release.Inputs, "repositoryOpts")
		content, err := os.ReadFile(filepath.Join("..", "..", release.Inputs["chart"].(string)))
		require.NoError(t, err)
		want := map[string]string{
			"api-traefik":        "6bbd3768686ff67a8cf730938d131222b342461e1c0029a65152889800522208",
			"api-metrics-server": "915f6c5132b1bf6435b3ff33e827de4354818d5ab606dedc56623185b9cef704",
		}
		assert.Equal(t, want[release.Name], fmt.Sprintf("%x", sha256.Sum256(content)), release.Name)
	}
}

func TestKubeconfigHoldsNoToken(t *testing.T) {
	m := deployed(t, New(), request())
	provider := m.Only(t, "pulumi:providers:kubernetes").Inputs
	assert.Equal(t, "api-cluster-id", provider["clusterIdentifier"])
	assert.NotContains(t, provider["kubeconfig"], token)
	var config struct{ Users []any }
	require.NoError(t, json.Unmarshal([]byte(provider["kubeconfig"].(string)), &config))
	users, err := json.Marshal(config.Users)
	require.NoError(t, err)
	assert.JSONEq(t, `[{"name": "escala-production-api-00112233", "user": {"exec": {
		"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "doctl", "interactiveMode": "Never", "installHint": "install doctl",
		"args": ["kubernetes", "cluster", "kubeconfig", "exec-credential", "--version=v1beta1", "api-cluster-id"]
	}}}]`, string(users))
}

func TestSecretsAreMarked(t *testing.T) {
	t.Setenv("DIGITALOCEAN_TOKEN", token)
	carried := 0
	for _, r := range deployed(t, New(), request()).Resources() {
		for key, value := range r.Inputs {
			text, err := json.Marshal(value)
			require.NoError(t, err)
			assert.NotContains(t, string(text), token, "%s %s %s", r.Type, r.Name, key)
			if strings.Contains(string(text), secret) {
				carried++
				assert.True(t, r.Secret[key], "%s %s %s", r.Type, r.Name, key)
			}
		}
	}
	assert.Equal(t, 1, carried)
}

func TestRegistries(t *testing.T) {
	image := "ghcr.io/you/api@sha256:" + strings.Repeat("ef", 32)
	existing := request()
	existing.Release.ID = service.ReleaseID(strings.Repeat("ef", 32))
	for _, tt := range []struct {
		name    string
		target  *DOKS
		request deploy.Request
		made    int
		login   string
		image   string
	}{
		{"own", New(), request(), 1, "escala-production-api-00112233", "registry.digitalocean.com/own/escala-production-api@sha256:" + strings.Repeat("ab", 32)},
		{"by name", with(func(s *Settings) { s.Registry = "mine" }), request(), 0, "mine", "registry.digitalocean.com/mine/escala-production-api@sha256:" + strings.Repeat("ab", 32)},
		{"none", with(func(s *Settings) { s.Image = image }), existing, 0, "", image},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := deployed(t, tt.target, tt.request)
			assert.Len(t, m.OfType("digitalocean:index/containerRegistry:ContainerRegistry"), tt.made)
			deployment, err := json.Marshal(m.Only(t, "kubernetes:apps/v1:Deployment").Inputs)
			require.NoError(t, err)
			assert.Contains(t, string(deployment), tt.image)
			// The cluster's registry integration gives access only to pods of the default
			// service account, some time after their namespace is made.
			logins := m.OfType("digitalocean:index/containerRegistryDockerCredentials:ContainerRegistryDockerCredentials")
			if tt.login == "" {
				assert.Empty(t, logins)
				assert.NotContains(t, string(deployment), "imagePullSecrets")
				return
			}
			require.Len(t, logins, 1)
			assert.Equal(t, false, logins[0].Inputs["write"])
			assert.Contains(t, logins[0].Inputs["registryName"], tt.login)
			assert.Contains(t, string(deployment), `"imagePullSecrets":[{"name":"api-pull-1a2b3c4d"}]`)
			for _, s := range m.OfType("kubernetes:core/v1:Secret") {
				if s.Name == "api-pull" {
					assert.Equal(t, "kubernetes.io/dockerconfigjson", s.Inputs["type"])
					assert.Equal(t, map[string]any{".dockerconfigjson": pullLogin}, s.Inputs["stringData"])
					assert.True(t, s.Secret["stringData"])
				}
			}
		})
	}
	err := cloud("").Preview(with(func(s *Settings) { s.Registry = "other" }), request())
	assert.ErrorContains(t, err, `doks.registry: "other" is not available`)
}

// TestChartValues compares the charts' values with testdata, which was rendered
// with the charts themselves and their schemas.
func TestChartValues(t *testing.T) {
	for name, change := range map[string]func(*Settings, *service.Spec){
		"http":        func(*Settings, *service.Spec) {},
		"tls-secret":  func(s *Settings, _ *service.Spec) { s.TLSSecret = "tls" },
		"certificate": func(s *Settings, _ *service.Spec) { s.Certificate = "api" },
		"managed":     func(_ *Settings, spec *service.Spec) { spec.DNS = true },
		"acme": func(_ *Settings, spec *service.Spec) {
			spec.TLS.Mode, spec.TLS.Email = service.TLSACME, "ops@example.com"
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := request()
			r.Spec.Host = "api.example.com"
			change := func(s *Settings) { change(s, &r.Spec) }
			target := with(change)
			m := deployed(t, target, r)
			for _, release := range m.OfType("kubernetes:helm.sh/v3:Release") {
				assert.Equal(t, true, release.Inputs["atomic"])
				assert.NotEmpty(t, release.Inputs["version"])
				if release.Name == "api-metrics-server" {
					assert.Equal(t, "kube-system", release.Inputs["namespace"])
					continue
				}
				assert.Equal(t, "traefik", release.Inputs["namespace"])
				got, err := json.MarshalIndent(release.Inputs["values"], "", "  ")
				require.NoError(t, err)
				golden := filepath.Join("testdata", "traefik-"+name+".json")
				if *update {
					require.NoError(t, os.MkdirAll("testdata", 0o755))
					require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				assert.Equal(t, string(want), string(got)+"\n")
			}
		})
	}
}

func TestTraefikOutlivesItsPlaceInTheLoadBalancer(t *testing.T) {
	spec := service.NewSpec()
	for _, drains := range []time.Duration{time.Second, 20 * time.Second, 10 * time.Minute} {
		spec.Lifecycle.Drain = drains
		grace := traefikValues(NewSettings(), spec, "").Deployment.TerminationGracePeriodSeconds
		assert.GreaterOrEqual(t, time.Duration(grace)*time.Second, stillServing+stillAccepting+drains)
	}
}

// TestTraefikThatGetsItsCertificateIsAlone checks the rule "acme-has-one-traefik".
// The chart itself refuses a second Traefik only where it can detect it.
func TestTraefikThatGetsItsCertificateIsAlone(t *testing.T) {
	spec := service.NewSpec()
	spec.Host, spec.TLS.Mode = "api.example.com", service.TLSACME
	const met = "acme-has-one-traefik"
	for _, s := range []Settings{NewSettings(), with(func(s *Settings) { s.Issuer = "x" }).settings} {
		values := traefikValues(s, spec, "")
		if s.Issuer != "" {
			assert.Equal(t, 2, values.Deployment.Replicas, "cert-manager keeps the certificate in the cluster")
			assert.Nil(t, values.Resolvers)
			continue
		}
		assert.Equal(t, 1, values.Deployment.Replicas, met)
		assert.Equal(t, "Recreate", values.UpdateStrategy.Type, "its volume is at one node")
		assert.True(t, values.Persistence.Enabled)
	}
	spec.DNS = true
	assert.Equal(t, 2, traefikValues(NewSettings(), spec, "api").Deployment.Replicas, "the load balancer has the certificate")
}

func TestCertificateSource(t *testing.T) {
	for _, one := range []struct {
		name   string
		change func(*Settings, *service.Spec)
		want   certificateSource
	}{
		{"nothing", func(*Settings, *service.Spec) {}, noCertificate},
		{"off", func(_ *Settings, spec *service.Spec) { spec.DNS, spec.TLS.Mode = true, service.TLSOff }, noCertificate},
		{"a domain", func(s *Settings, _ *service.Spec) { s.Domain = "example.com" }, managedCertificate},
		{"dns", func(_ *Settings, spec *service.Spec) { spec.DNS = true }, managedCertificate},
		{"acme elsewhere", func(_ *Settings, spec *service.Spec) { spec.TLS.Mode = service.TLSACME }, traefikCertificate},
		{"cert-manager", func(s *Settings, spec *service.Spec) { s.Issuer, spec.TLS.Mode = "le", service.TLSACME }, secretCertificate},
		{"own", func(_ *Settings, spec *service.Spec) { spec.TLS.Mode = service.TLSCertificate }, secretCertificate},
		{"a secret and records", func(s *Settings, spec *service.Spec) { s.TLSSecret, spec.DNS = "tls", true }, secretCertificate},
	} {
		s, spec := NewSettings(), service.NewSpec()
		spec.Host = "api.example.com"
		one.change(&s, &spec)
		assert.Equal(t, one.want, s.certificateSource(spec), one.name)
	}
}
