package manifests

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/plan"
	"escala/infra/plan/preview"
	"escala/infra/targets"
)

var update = flag.Bool("update", false, "write the golden files anew")

const image = "    image: ghcr.io/you/api@sha256:abababababababababababababababababababababababababababababababab\n"

// stacks holds the configurations. Each has an existing image, since the digest
// of a built image depends on the Go version.
var stacks = map[string]string{
	"default": image,
	"everything": image + `    namespace: shop
    ingressClass: traefik
    tlsSecret: shop-tls
    imagePullSecret: login
    maintenance: true
  escala:secrets:
    DATABASE_URL:
      secure: for-somebody-else
  escala:service:
    host: shop.example.com
    pathPrefix: /api
    healthPath: /api/health
    secrets: [DATABASE_URL]
    scale: {min: 2, max: 5, cpu: 60, memory: 0, scaleDown: 1m}
    resources: {memoryMiB: 512, cpuMillis: 250, cpuLimitMillis: 1000}
    webSocket: {rooms: true}
    redis: {mode: local}
    lifecycle: {announce: 15s, drain: 30s, stop: 1m}
    env: {GREETING: hello}
    metrics: {allow: [203.0.113.7, "2001:db8::/48"], namespaces: [monitoring]}
    release: {command: [api, migrate]}
`,
	"fixed": image + "  escala:service:\n    scale: {replicas: 2}\n",
}

// render renders a stack with the configuration in a new clone.
func render(t *testing.T, stack, config string) (Set, error) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs Pulumi's engine")
	}
	clone := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(clone, "stacks"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(clone, "Pulumi.yaml"), []byte("name: escala\nruntime: go\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(clone, "go.mod"), []byte("module escala\n\ngo 1.26\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(clone, "stacks", "Pulumi."+stack+".yaml"),
		[]byte("config:\n  pulumi:disable-default-providers: [\"*\"]\n"+config), 0o600))
	return Render(t.Context(), preview.Options{Root: clone, Stack: stack, Targets: targets.All})
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, config := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := render(t, "kubernetes", "  escala:target: kubernetes\n  escala:kubernetes:\n"+config)
			require.NoError(t, err)
			assert.Empty(t, set.Unknown)
			folder := filepath.Join("testdata", name)
			if *update {
				require.NoError(t, set.Write(folder))
			}
			files, err := set.Files()
			require.NoError(t, err)
			there, err := os.ReadDir(folder)
			require.NoError(t, err)
			assert.Len(t, there, len(files))
			for file, content := range files {
				want, err := os.ReadFile(filepath.Join(folder, file))
				require.NoError(t, err)
				assert.Equal(t, string(want), string(content), file)
				assert.NotContains(t, string(content), "placeholder", "no secret's value is in it")
				assert.NotContains(t, string(content), "pulumi.com/", "nothing is said to Pulumi")
			}
		})
	}
}

// TestABadStack checks that the error is the same as that of an update.
func TestABadStack(t *testing.T) {
	t.Parallel()
	_, err := render(t, "do-droplet", "  escala:target: do-droplet\n  escala:digitalocean: {region: Frankfurt}\n")
	require.ErrorContains(t, err, "digitalocean.region: \"Frankfurt\" is not a region")
}

func TestOfLeavesOutWhatIsNoObject(t *testing.T) {
	t.Parallel()
	set := FromPlan(plan.Stack{Name: "aws-eks", Resources: []plan.Resource{
		{Type: "aws:eks/cluster:Cluster", Name: "api", Raw: map[string]any{}},
		{Type: "pulumi:providers:kubernetes", Name: "api-cluster"},
		{Type: "escala:kubernetes:Workload", Name: "api", Component: true},
		{Type: "kubernetes:core/v1:Secret", Name: "api-secrets", Raw: map[string]any{
			"metadata": map[string]any{"name": "api-secrets-0123456789", "namespace": "api"}, "stringData": map[string]any{"B": "b", "A": "a"},
		}},
		{Type: "kubernetes:apps/v1:Deployment", Name: "api-deployment", Raw: map[string]any{
			"metadata": map[string]any{"name": "api", "annotations": map[string]any{"pulumi.com/skipAwait": "true"}},
			"spec":     map[string]any{"replicas": 2.0, "a": []any{"api-secrets-0123456789", "made-up-repository/api", nil}, "gone": nil},
		}},
	}})
	assert.Equal(t, []string{"aws:eks/cluster:Cluster api"}, set.Others)
	assert.Equal(t, []Secret{{Namespace: "api", Name: "api-secrets", Keys: []string{"A", "B"}}}, set.Secrets)
	assert.Equal(t, []map[string]any{{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "api"},
		"spec":     map[string]any{"replicas": int64(2), "a": []any{"api-secrets", "made-up-repository/api", nil}},
	}}, set.Objects)
	assert.Equal(t, []string{"Deployment api: spec.a[1]"}, set.Unknown)
	files, err := set.Files()
	require.NoError(t, err)
	notes := string(files[Notes])
	for _, said := range []string{
		"kubectl -n api create secret generic api-secrets \\\n  --from-literal=A=\"$A\" \\\n  --from-literal=B=\"$B\"",
		"- Deployment api: spec.a[1]", "- aws:eks/cluster:Cluster api",
	} {
		assert.Contains(t, notes, said)
	}
}

func TestWriteTakesEarlierFilesAway(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "manifests")
	require.NoError(t, os.Mkdir(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "old.yaml"), nil, 0o600))
	set := Set{Stack: "kubernetes", Objects: []map[string]any{{"kind": "Namespace", "metadata": map[string]any{"name": "shop"}}}}
	require.NoError(t, set.Write(folder))
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	assert.Len(t, files, 2)
	assert.FileExists(t, filepath.Join(folder, "00-namespace.yaml"))
	notes, err := os.ReadFile(filepath.Join(folder, Notes))
	require.NoError(t, err)
	assert.Contains(t, string(notes), "kubectl -n shop rollout status deployment")
}
