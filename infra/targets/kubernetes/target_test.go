package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/testing/pulumitest"
	"escala/infra/testing/selfsigned"
	"escala/service"
)

const (
	secret    = "correct horse battery staple"
	aToken    = "the-token-of-the-kubeconfig"
	component = "escala:kubernetes:Workload"
)

// request returns a request that uses every feature of a target.
func request(t *testing.T) deploy.Request {
	t.Helper()
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL"}
	spec.Redis.Mode = service.RedisLocal
	clone := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(clone, "kubeconfig"), []byte(`apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "https://a.example"}}, {name: b, cluster: {server: "https://b.example"}}]
users: [{name: u, user: {token: `+aToken+`}}]
contexts: [{name: a, context: {cluster: a, user: u}}, {name: b, context: {cluster: b, user: u}}]
current-context: b
`), 0o600))
	return deploy.Request{
		Spec:        spec,
		Secrets:     map[string]string{"DATABASE_URL": secret},
		Release:     build.Release{Release: service.Release{ID: service.ReleaseID(strings.Repeat("ab", 32))}},
		GateTimeout: time.Minute,
		State:       filepath.Join(clone, ".escala"),
		Stack:       "production",
	}
}

func clusterID(name string) string { return strings.Repeat(name, 8) + "-0000-4000-8000-000000000000" }

func ready() *Kubernetes {
	k := New()
	k.settings.Kubeconfig, k.settings.Registry = "kubeconfig", "ghcr.io/you/api"
	// Each context of the kubeconfig leads to another cluster.
	k.clusterID = func(_ context.Context, kubeconfig string) (string, error) {
		for _, name := range []string{"a", "b"} {
			if strings.Contains(kubeconfig, "https://"+name+".example") {
				return clusterID(name), nil
			}
		}
		return "", errors.New("connection refused")
	}
	return k
}

func deployed(t *testing.T, k *Kubernetes, r deploy.Request) *pulumitest.Mocks {
	t.Helper()
	m := &pulumitest.Mocks{}
	require.NoError(t, r.Spec.Validate())
	require.NoError(t, k.Check(t.Context(), r))
	require.NoError(t, m.Preview(k, r))
	return m
}

// part returns a value inside an object.
func part(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch s := step.(type) {
		case string:
			object, ok := value.(map[string]any)
			require.True(t, ok, "%v has no %q", value, s)
			value = object[s]
		case int:
			value = value.([]any)[s]
		}
	}
	return value
}

// named returns the one object with this type and logical name.
func named(t *testing.T, m *pulumitest.Mocks, kind, name string) map[string]any {
	t.Helper()
	for _, r := range m.OfType(kind) {
		if r.Name == name {
			return r.Inputs
		}
	}
	require.Fail(t, "there is no "+kind+" "+name)
	return nil
}

func TestEverythingBelongsToTheWorkloadAndItsProvider(t *testing.T) {
	objects := 0
	for _, r := range deployed(t, ready(), request(t)).Resources() {
		if !strings.HasPrefix(r.Type, "kubernetes:") {
			continue
		}
		objects++
		assert.True(t, strings.HasSuffix(r.Parent, component+"::api"), "%s is under %s", r.Name, r.Parent)
		assert.Contains(t, r.Provider, "api-cluster", "%s goes to a default provider", r.Name)
	}
	assert.Equal(t, 14, objects)
}

// TestTheLoginIsKeptNowhere checks that the provider gets a path and a context, and
// no login.
func TestTheLoginIsKeptNowhere(t *testing.T) {
	r := request(t)
	m := deployed(t, ready(), r)
	provider := m.OfType("pulumi:providers:kubernetes")
	require.Len(t, provider, 1)
	assert.Equal(t, filepath.Join(filepath.Dir(r.State), "kubeconfig"), provider[0].Inputs["kubeconfig"])
	assert.Equal(t, "b", provider[0].Inputs["context"], "the current context, so that it stays this one")
	assert.Equal(t, clusterID("b"), provider[0].Inputs["clusterIdentifier"])
	for _, one := range m.Resources() {
		inputs, err := json.Marshal(one.Inputs)
		require.NoError(t, err)
		assert.NotContains(t, string(inputs), aToken, one.Name)
		if strings.Contains(string(inputs), secret) {
			assert.Equal(t, "kubernetes:core/v1:Secret", one.Type)
			assert.True(t, one.Secret["stringData"])
		}
	}
	k := ready()
	k.settings.Context = "a"
	assert.Equal(t, "a", deployed(t, k, r).OfType("pulumi:providers:kubernetes")[0].Inputs["context"])
}

// TestEveryPodIsRestricted checks that every pod, including Redis', meets the
// pod security standard "restricted".
func TestEveryPodIsRestricted(t *testing.T) {
	m := deployed(t, ready(), request(t))
	pods := m.OfType("kubernetes:apps/v1:Deployment")
	require.Len(t, pods, 2)
	for _, d := range pods {
		pod := part(t, d.Inputs, "spec", "template", "spec")
		assert.Equal(t, false, part(t, pod, "automountServiceAccountToken"))
		assert.Equal(t, true, part(t, pod, "securityContext", "runAsNonRoot"))
		assert.Equal(t, "RuntimeDefault", part(t, pod, "securityContext", "seccompProfile", "type"))
		assert.Greater(t, part(t, pod, "securityContext", "runAsUser"), 0.0)
		require.Len(t, part(t, pod, "containers"), 1, "one process")
		c := part(t, pod, "containers", 0)
		assert.Equal(t, false, part(t, c, "securityContext", "allowPrivilegeEscalation"))
		assert.Equal(t, true, part(t, c, "securityContext", "readOnlyRootFilesystem"))
		assert.Equal(t, []any{"ALL"}, part(t, c, "securityContext", "capabilities", "drop"))
		assert.Equal(t, part(t, c, "resources", "requests", "memory"), part(t, c, "resources", "limits", "memory"))
		assert.Contains(t, part(t, c, "image"), "@sha256:")
	}
	labels := part(t, named(t, m, "kubernetes:core/v1:Namespace", "api-namespace"), "metadata", "labels")
	assert.Equal(t, "restricted", part(t, labels, "pod-security.kubernetes.io/enforce"))
}

// TestTheDrainFitsIntoThePod checks that only the hook announces, and not the
// process again, and that the grace period covers both announce and drain.
func TestTheDrainFitsIntoThePod(t *testing.T) {
	r := request(t)
	r.Spec.Lifecycle.Announce, r.Spec.Lifecycle.Stop = 9500*time.Millisecond, 32*time.Second
	m := deployed(t, ready(), r)
	pod := part(t, named(t, m, "kubernetes:apps/v1:Deployment", "api-deployment"), "spec", "template", "spec")
	assert.InDelta(t, 10.0, part(t, pod, "containers", 0, "lifecycle", "preStop", "sleep", "seconds"), 0)
	assert.InDelta(t, 32.0, part(t, pod, "terminationGracePeriodSeconds"), 0)
	env := part(t, named(t, m, "kubernetes:core/v1:ConfigMap", "api-config"), "data")
	assert.Equal(t, "0s", part(t, env, "DRAIN_ANNOUNCE"))
	assert.Equal(t, "20s", part(t, env, "DRAIN_TIMEOUT"))
	assert.Equal(t, "230MiB", part(t, env, "GOMEMLIMIT"))
	assert.Equal(t, "redis://api-redis:6379/0", part(t, env, "REDIS_URL"))

	r.Spec.Lifecycle.Announce, r.Spec.Lifecycle.Drain, r.Spec.Lifecycle.Stop = 1200*time.Millisecond, 20500*time.Millisecond, 23700*time.Millisecond
	require.NoError(t, r.Spec.Validate())
	assert.ErrorContains(t, ready().Check(t.Context(), r), "service.lifecycle.stop: 23.7s is too short in a cluster, which counts in whole seconds")
}

func TestTheNumberOfPodsHasOneOwner(t *testing.T) {
	r := request(t)
	m := deployed(t, ready(), r)
	assert.NotContains(t, part(t, named(t, m, "kubernetes:apps/v1:Deployment", "api-deployment"), "spec"), "replicas")
	assert.Len(t, m.OfType("kubernetes:autoscaling/v2:HorizontalPodAutoscaler"), 1)
	r.Spec.Scale.Replicas = 2
	m = deployed(t, ready(), r)
	assert.InDelta(t, 2.0, part(t, named(t, m, "kubernetes:apps/v1:Deployment", "api-deployment"), "spec", "replicas"), 0)
	assert.Empty(t, m.OfType("kubernetes:autoscaling/v2:HorizontalPodAutoscaler"))
}

// TestConfigurationHasNoNameOfItsOwn checks that names are not derived from the
// content. Such a name would already exist when a change is reverted after a failed
// update.
func TestConfigurationHasNoNameOfItsOwn(t *testing.T) {
	r := request(t)
	m := deployed(t, ready(), r)
	for _, kind := range []string{"ConfigMap", "Secret"} {
		found := m.OfType("kubernetes:core/v1:" + kind)
		require.Len(t, found, 1)
		assert.NotContains(t, part(t, found[0].Inputs, "metadata"), "name", "%s", kind)
	}
	deployment := named(t, m, "kubernetes:apps/v1:Deployment", "api-deployment")
	assert.Equal(t, []any{
		map[string]any{"configMapRef": map[string]any{"name": "api-config-1a2b3c4d"}},
		map[string]any{"secretRef": map[string]any{"name": "api-secrets-1a2b3c4d"}},
	}, part(t, deployment, "spec", "template", "spec", "containers", 0, "envFrom"), "pods take it from the objects that Pulumi named")
}

// TestAnotherContextMovesNothing checks that another context is refused. Otherwise
// everything would be made in the other cluster and deleted in the one that serves.
func TestAnotherContextMovesNothing(t *testing.T) {
	r := request(t)
	m := deployed(t, ready(), r)
	assert.Equal(t, clusterID("b"), m.OfType("pulumi:providers:kubernetes")[0].Inputs["clusterIdentifier"])

	r.Outputs = map[string]any{"cluster": clusterID("a")}
	m = &pulumitest.Mocks{}
	err := m.Preview(ready(), r)
	require.ErrorContains(t, err, `kubernetes.context: "b" leads to cluster `+clusterID("b")+", but the last update was to "+clusterID("a"))
	require.ErrorContains(t, err, "kubernetes.cluster: "+clusterID("b"))
	assert.Empty(t, m.OfType("kubernetes:apps/v1:Deployment"))

	same := ready()
	same.settings.Context = "a"
	assert.Len(t, deployed(t, same, r).OfType("kubernetes:apps/v1:Deployment"), 2, "whatever the cluster is called now")
	moved := ready()
	moved.settings.Cluster = clusterID("b")
	assert.Len(t, deployed(t, moved, r).OfType("kubernetes:apps/v1:Deployment"), 2)
	moved.settings.Cluster = clusterID("c")
	require.ErrorContains(t, (&pulumitest.Mocks{}).Preview(moved, r), "but kubernetes.cluster is "+clusterID("c"))
}

func TestWhatAPersonAddsToTheIngress(t *testing.T) {
	k := ready()
	k.settings.IngressAnnotations = map[string]string{"cert-manager.io/cluster-issuer": "letsencrypt"}
	k.settings.RestrictEgress = false
	m := deployed(t, k, request(t))
	annotations := part(t, named(t, m, "kubernetes:networking.k8s.io/v1:Ingress", "api-ingress"), "metadata", "annotations")
	assert.Equal(t, "letsencrypt", part(t, annotations, "cert-manager.io/cluster-issuer"))
	egress := part(t, named(t, m, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "api-networkpolicy"), "spec", "egress")
	assert.Equal(t, []any{map[string]any{}}, egress, "everything goes out")

	k.settings.IngressAnnotations = map[string]string{"not a name": ""}
	k.settings.GateAddress, k.settings.GateCA = "nowhere", "ca.pem"
	err := k.Check(t.Context(), request(t))
	require.ErrorContains(t, err, `kubernetes.ingressAnnotations: "not a name"`)
	require.ErrorContains(t, err, `kubernetes.gateAddress: "nowhere" must be one of public, pods, none`)
	require.ErrorContains(t, err, `kubernetes.gateCA: "ca.pem" cannot be read`)
}

// TestARenamedServiceKeepsItsNamespace checks that a namespace from the settings
// stays when the service is renamed.
func TestARenamedServiceKeepsItsNamespace(t *testing.T) {
	k, r := ready(), request(t)
	k.settings.Namespace = "team"
	before := deployed(t, k, r).OfType("kubernetes:core/v1:Namespace")
	r.Spec.Name = "web"
	after := deployed(t, k, r).OfType("kubernetes:core/v1:Namespace")
	assert.Equal(t, before[0].Name, after[0].Name)
	assert.Equal(t, before[0].Parent[:strings.LastIndex(before[0].Parent, "::")], after[0].Parent[:strings.LastIndex(after[0].Parent, "::")])
}

// TestWhatATargetAdds checks that a target's additions reach the objects.
func TestWhatATargetAdds(t *testing.T) {
	r := request(t)
	r.Spec.Host = "api.example.com"
	m := &pulumitest.Mocks{}
	var seen *Workload
	require.NoError(t, pulumi.RunErr(func(ctx *pulumi.Context) error {
		provider, err := NewProvider(ctx, "cluster", pulumi.String("id"), nil)
		if err != nil {
			return err
		}
		seen, err = NewWorkload(ctx, "api", &WorkloadArgs{
			Request: r, Settings: NewWorkloadSettings(), Provider: provider,
			Image:              pulumi.String("ghcr.io/you/api@sha256:" + string(r.Release.ID)),
			Platforms:          []build.Platform{{OS: "linux", Arch: "arm64"}},
			IngressClass:       pulumi.String("alb"),
			IngressAnnotations: pulumi.StringMap{"alb.ingress.kubernetes.io/scheme": pulumi.String("internet-facing")},
			NamespaceLabels:    pulumi.StringMap{"elbv2.k8s.aws/pod-readiness-gate-inject": pulumi.String("enabled")},
			IPFamilies:         pulumi.ToStringArray([]string{"IPv6"}),
			HTTPS:              true,
		})
		return err
	}, pulumi.WithMocks("escala", "production", m), func(info *pulumi.RunInfo) { info.DryRun = true }))
	require.NotNil(t, seen)
	ingress := named(t, m, "kubernetes:networking.k8s.io/v1:Ingress", "api-ingress")
	assert.Equal(t, "alb", part(t, ingress, "spec", "ingressClassName"))
	assert.Equal(t, "api.example.com", part(t, ingress, "spec", "rules", 0, "host"))
	assert.Equal(t, map[string]any{
		"alb.ingress.kubernetes.io/scheme": "internet-facing",
		"pulumi.com/skipAwait":             "true",
	}, part(t, ingress, "metadata", "annotations"))
	labels := part(t, named(t, m, "kubernetes:core/v1:Namespace", "api-namespace"), "metadata", "labels")
	assert.Equal(t, "enabled", part(t, labels, "elbv2.k8s.aws/pod-readiness-gate-inject"))
	assert.Equal(t, "restricted", part(t, labels, "pod-security.kubernetes.io/enforce"))
	assert.Equal(t, []any{"IPv6"}, part(t, named(t, m, "kubernetes:core/v1:Service", "api-service"), "spec", "ipFamilies"))
	pod := part(t, named(t, m, "kubernetes:apps/v1:Deployment", "api-deployment"), "spec", "template", "spec")
	assert.Equal(t, "arm64", part(t, pod, "nodeSelector", "kubernetes.io/arch"))
}

func TestBadSettings(t *testing.T) {
	k := &Kubernetes{settings: Settings{
		WorkloadSettings: WorkloadSettings{Namespace: "A", Image: "a:latest", ImagePullSecret: "_", TLSSecret: "_", URL: "ftp://x"},
		Context:          "x", IngressClass: "_", Architectures: []string{"arm64", "arm64"},
	}}
	r := request(t)
	r.Spec.Workers.Count, r.Spec.Workers.Mode = 3, service.WorkersPorts
	r.Spec.Lifecycle.Announce = 0
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	var v service.Violations
	require.ErrorAs(t, k.Check(t.Context(), r), &v)
	var paths []string
	for _, one := range v {
		paths = append(paths, one.Path)
	}
	assert.Equal(t, []string{
		"service.workers.count", "service.workers", "service.lifecycle.announce",
		"kubernetes.gateAddress", "kubernetes.image", "kubernetes.imagePullSecret", "kubernetes.namespace", "kubernetes.redisImage", "kubernetes.redisMemoryMiB",
		"kubernetes.tlsSecret", "kubernetes.tlsSecret", "kubernetes.url",
		"kubernetes.ingressClass", "kubernetes.architectures", "kubernetes.context",
	}, paths)
	assert.Contains(t, v.Error(), "there is no kubeconfig")
	r.Offline = true
	require.NoError(t, New().settings.WorkloadSettings.violations(service.NewSpec()).Err())
	assert.NotContains(t, k.Check(t.Context(), r).Error(), "kubernetes.context", "a plan does without a cluster")
}

// TestOwnCertificate checks that the operator's own certificate becomes a secret
// of the Ingress, for every name.
func TestOwnCertificate(t *testing.T) {
	r := request(t)
	r.Spec.Host, r.Spec.TLS.Names = "api.example.com", []string{"www.example.com"}
	r.Spec.TLS.Mode, r.Spec.TLS.Certificate = service.TLSCertificate, "TLS_CERTIFICATE"
	r.Secrets["TLS_CERTIFICATE"] = selfsigned.PEM(t, "api.example.com")
	require.ErrorContains(t, ready().Check(t.Context(), r), "secrets.TLS_CERTIFICATE: the certificate in secret TLS_CERTIFICATE is for api.example.com, not for www.example.com")

	r.Secrets["TLS_CERTIFICATE"] = selfsigned.PEM(t, "api.example.com", "www.example.com")
	m := deployed(t, ready(), r)
	made := named(t, m, "kubernetes:core/v1:Secret", "api-certificate")
	assert.Equal(t, "kubernetes.io/tls", part(t, made, "type"))
	assert.Contains(t, part(t, made, "stringData", "tls.crt"), "BEGIN CERTIFICATE")
	assert.Contains(t, part(t, made, "stringData", "tls.key"), "BEGIN PRIVATE KEY")
	for _, registered := range m.OfType("kubernetes:core/v1:Secret") {
		assert.True(t, registered.Secret["stringData"], registered.Name)
	}
	ingress := named(t, m, "kubernetes:networking.k8s.io/v1:Ingress", "api-ingress")
	assert.Equal(t, []any{map[string]any{"hosts": []any{"api.example.com", "www.example.com"}, "secretName": "api-certificate-1a2b3c4d"}}, part(t, ingress, "spec", "tls"))
	assert.Len(t, part(t, ingress, "spec", "rules"), 2)
	for _, registered := range m.OfType("kubernetes:apps/v1:Deployment") {
		assert.NotContains(t, fmt.Sprint(registered.Inputs), "TLS_CERTIFICATE")
	}

	// A plan has a placeholder for the secret.
	r.Offline, r.Secrets["TLS_CERTIFICATE"] = true, "placeholder"
	require.NoError(t, ready().Check(t.Context(), r))
	require.NoError(t, new(pulumitest.Mocks).Preview(ready(), r))
}

// TestIssuer checks which issuer the Ingress names.
func TestIssuer(t *testing.T) {
	r := request(t)
	r.Spec.Host, r.Spec.TLS.Mode, r.Spec.TLS.Redirect = "api.example.com", service.TLSACME, false
	k := ready()
	k.settings.Issuer = "letsencrypt"
	asked := ""
	k.hasCertManager = func(_ context.Context, _, issuer string) error {
		asked = issuer
		return nil
	}
	m := deployed(t, k, r)
	assert.Equal(t, "letsencrypt", asked)
	annotations := part(t, named(t, m, "kubernetes:networking.k8s.io/v1:Ingress", "api-ingress"), "metadata", "annotations")
	assert.Equal(t, "letsencrypt", part(t, annotations, "cert-manager.io/cluster-issuer"))
	assert.Equal(t, "false", part(t, annotations, "nginx.ingress.kubernetes.io/ssl-redirect"))
	assert.Empty(t, m.OfType("kubernetes:cert-manager.io/v1:Issuer"))

	k.settings.Issuer = ""
	k.settings.IngressClass = "nginx"
	r.Spec.TLS.Authority = service.AuthorityStaging
	m = deployed(t, k, r)
	assert.Empty(t, asked)
	issuer := named(t, m, "kubernetes:cert-manager.io/v1:Issuer", "api-issuer")
	assert.Equal(t, "https://acme-staging-v02.api.letsencrypt.org/directory", part(t, issuer, "spec", "acme", "server"))
	assert.Equal(t, "nginx", part(t, issuer, "spec", "acme", "solvers", 0, "http01", "ingress", "ingressClassName"))

	k.hasCertManager = func(context.Context, string, string) error { return errors.New("the cluster has no cert-manager") }
	require.ErrorContains(t, new(pulumitest.Mocks).Preview(k, r), "service.tls.mode: the cluster has no cert-manager")
}

// TestHTTPSBadInput checks values of the settings and the description that exclude
// each other.
func TestHTTPSBadInput(t *testing.T) {
	for name, one := range map[string]struct {
		change func(*Kubernetes, *service.Spec)
		said   []string
	}{
		"ip":   {func(_ *Kubernetes, s *service.Spec) { s.Host, s.TLS.Mode = "", service.TLSIP }, []string{`service.tls.mode: is "ip"`}},
		"dns":  {func(_ *Kubernetes, s *service.Spec) { s.DNS = true }, []string{"service.dns: is on, but the cluster's cloud is not known here"}},
		"hsts": {func(_ *Kubernetes, s *service.Spec) { s.TLS.HSTS = time.Hour }, []string{"service.tls.hsts: is set, but in a cluster"}},
		"two secrets": {func(k *Kubernetes, s *service.Spec) { k.settings.TLSSecret, s.TLS.Mode = "tls", service.TLSCertificate }, []string{
			`service.tls.mode: is "certificate", but kubernetes.tlsSecret says`,
		}},
		"off with a secret": {func(k *Kubernetes, s *service.Spec) { k.settings.TLSSecret, s.TLS.Mode = "tls", service.TLSOff }, []string{`service.tls.mode: is "off", but kubernetes.tlsSecret`}},
		"issuer and secret": {func(k *Kubernetes, s *service.Spec) { k.settings.TLSSecret, k.settings.Issuer = "tls", "le" }, []string{"kubernetes.issuer: is set together with kubernetes.tlsSecret"}},
		"issuer and email":  {func(k *Kubernetes, s *service.Spec) { k.settings.Issuer, s.TLS.Email = "le", "ops@example.com" }, []string{"service.tls.email: is set, but the ClusterIssuer kubernetes.issuer"}},
		"no host":           {func(k *Kubernetes, s *service.Spec) { k.settings.Issuer, s.Host = "le", "" }, []string{"service.host: is not set, but kubernetes.issuer is"}},
	} {
		r, k := request(t), ready()
		r.Spec.Host = "api.example.com"
		one.change(k, &r.Spec)
		err := k.Check(t.Context(), r)
		require.Error(t, err, name)
		for _, said := range one.said {
			assert.ErrorContains(t, err, said, name)
		}
	}
}
