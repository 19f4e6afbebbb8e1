package acceptance

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestPluginBake checks on a real kube-apiserver what Pulumi makes of a release that
// was taken back. The pods here do not answer, so a release is taken back because
// its answers cannot be counted. conformance/cluster has pods that serve.
func TestPluginBake(t *testing.T) {
	t.Parallel()
	cluster, plugin := openRealCluster(t)
	host := cluster.serveImages()
	l := openKubernetes(t, "2m", plugin)
	url := cluster.nodes.URL(t, "api")
	describe := func(more string) {
		l.configure(kubernetesSettings(cluster.server.Kubeconfig, host, url) + "  escala:service:\n    scale: {replicas: 2}\n    release: {bake: 10s}\n" + more)
	}
	paused := func() bool {
		paused, _, err := unstructured.NestedBool(cluster.get(deployments, "api", "api").Object, "spec", "paused")
		require.NoError(t, err)
		return paused
	}
	describe("")
	first := l.mustUp()["release"].(string)
	served := l.answered(url)
	l.requireUnchanged(l.up())

	t.Log("a release is taken back, and its state stays true")
	l.release("second")
	for range 2 { // the second time without a change
		_, err := l.up()
		require.Error(t, err)
		assert.Contains(t, l.log.String(), "is taken back: its answers cannot be counted: ")
		assert.Contains(t, l.log.String(), "serves alone, on 2 pods")
		assert.Equal(t, served, l.answered(url), "the release before serves")
		assert.True(t, paused())
		l.requireUnchanged(l.preview())
		l.refreshesClean()
		l.requireUnchanged(l.preview())
	}

	t.Log("a rollback has no bake")
	describe("  escala:release: \"" + first + "\"\n")
	assert.Equal(t, first, l.mustUp()["release"])
	assert.Equal(t, served, l.answered(url))
	assert.False(t, paused())
	l.requireUnchanged(l.up())

	t.Log("without a bake it serves")
	describe("")
	_, err := l.up()
	require.Error(t, err)
	assert.True(t, paused())
	l.configure(kubernetesSettings(cluster.server.Kubeconfig, host, url) + "  escala:service:\n    scale: {replicas: 2}\n")
	assert.NotEqual(t, first, l.mustUp()["release"])
	assert.NotEqual(t, served, l.answered(url))
	assert.False(t, paused())
	l.refreshesClean()
	l.requireUnchanged(l.up())
	require.NoError(t, l.destroy(), l.log.String())
}
