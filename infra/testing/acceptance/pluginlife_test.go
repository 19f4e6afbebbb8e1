package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/clientcmd"

	"escala/infra/testing/nodes"
)

// pluginLimit bounds each operation, so that the test shows an operation that
// hangs.
const pluginLimit = 4 * time.Minute

// pluginLife is a stack in a real cluster and the functions that change it.
type pluginLife struct {
	*stack
	cluster *realCluster
	// describe writes the stack's configuration with additional lines. more points
	// to the current ones.
	describe func(more string)
	more     *string
	// namespace is the service's namespace.
	namespace string
	// moved rewrites the configuration for a service in another namespace.
	moved func(namespace string)
}

// run runs the steps that all clusters have in common, from the first update to a
// renamed service. It leaves the stack running.
func (l pluginLife) run() {
	t := l.t
	plan, err := l.preview()
	require.NoError(t, err, l.log.String())
	assert.NotZero(t, plan.Changes["create"])
	assert.NotContains(t, l.cluster.ownNamespaces(), l.namespace, "a preview makes nothing")

	first := l.mustUp()
	assert.Contains(t, l.cluster.ownNamespaces(), l.namespace)
	served := l.answered(first["url"])
	assert.NotEmpty(t, served)
	assert.Equal(t, 3, l.cluster.replicas(l.namespace, "api"), "the autoscaler has raised it")

	l.requireUnchanged(l.preview())
	l.requireUnchanged(l.up())
	l.refreshesClean()
	l.requireUnchanged(l.up())

	t.Log("a release, and a look for drift right after it")
	l.cluster.scale(l.namespace, "api", 5)
	l.release("second")
	released, err := l.up()
	require.NoError(t, err, l.log.String())
	assert.Equal(t, map[string]int{"same": released.Changes["same"], "update": 1}, released.Changes, l.log.String())
	second := values(released.Outputs)
	assert.Equal(t, []any{second["release"], first["release"]}, second["releases"])
	now := l.answered(second["url"])
	assert.NotEqual(t, served, now)
	assert.Equal(t, 5, l.cluster.replicas(l.namespace, "api"), "the number stays the autoscaler's")
	l.refreshesClean()
	l.requireUnchanged(l.up())

	t.Log("a release that fails, and its revert")
	var pull func(string, []string) (string, error)
	l.cluster.nodes.Change(func(n *nodes.Nodes) {
		pull = n.Pull
		n.Pull = func(image string, logins []string) (string, error) {
			if strings.Contains(image, second["release"].(string)) || !strings.Contains(image, "127.0.0.1") {
				return pull(image, logins)
			}
			return "", fmt.Errorf("manifest for %s not found", image)
		}
	})
	l.release("bad")
	_, err = l.up()
	require.Error(t, err)
	assert.Contains(t, l.log.String(), "cannot pull its image")
	assert.Equal(t, now, l.answered(second["url"]), "the release before serves on")
	l.release("second")
	reverted := l.mustUp()
	assert.Equal(t, second["releases"], reverted["releases"])
	assert.Equal(t, now, l.answered(reverted["url"]))
	l.cluster.nodes.Change(func(n *nodes.Nodes) { n.Pull = pull })
	l.refreshesClean()

	t.Log("a configuration that fails, and is taken back")
	secrets := "  escala:service:\n    secrets: [DATABASE_URL]\n"
	l.describe(secrets)
	l.setSecret("DATABASE_URL", "first")
	l.mustUp()
	l.describe(secrets + "    env: {GREETING: bad}\n")
	l.setSecret("DATABASE_URL", "second")
	_, err = l.up()
	require.Error(t, err)
	assert.Contains(t, l.log.String(), "ends with status 2")
	assert.Equal(t, now, l.answered(second["url"]))
	l.describe(secrets)
	l.setSecret("DATABASE_URL", "first")
	l.mustUp()
	assert.Len(t, l.cluster.list(kind("", "v1", "configmaps"), l.namespace), 1, "what failed is gone")
	l.requireUnchanged(l.up())
	l.refreshesClean()
	l.cluster.restartPods(l.namespace, "api")

	t.Log("another name")
	renamed := strings.Replace(secrets, "service:\n", "service:\n    name: web\n", 1)
	l.describe(renamed)
	l.moved("web")
	moved := l.mustUp()
	assert.Equal(t, now, l.answered(moved["url"]))
	assert.Nil(t, l.cluster.get(deployments, l.namespace, "api"))
	l.requireUnchanged(l.up())
	l.refreshesClean()
}

// TestPluginLifeOnKubernetes checks the life of the stack "kubernetes" with
// Pulumi's own plugin and a real kube-apiserver.
func TestPluginLifeOnKubernetes(t *testing.T) {
	t.Parallel()
	cluster, plugin := openRealCluster(t)
	host := cluster.serveImages()

	kubeconfig := cluster.server.Kubeconfig
	opened := func(settings, url string) pluginLife {
		l := pluginLife{cluster: cluster, namespace: "api", more: new(string)}
		l.stack = openKubernetes(t, "90s", plugin)
		l.describe = func(more string) {
			*l.more = more
			l.configure(kubernetesSettings(kubeconfig, host, url) + settings + more)
		}
		l.moved = func(namespace string) {
			url = cluster.nodes.URL(t, namespace)
			l.describe(*l.more)
		}
		l.describe("")
		return l
	}
	l := opened("", cluster.nodes.URL(t, "api"))
	l.run()
	assert.Equal(t, []string{"web"}, cluster.ownNamespaces(), "the namespace of the other name is gone")

	t.Log("the preview of somebody with another kubeconfig")
	config, err := clientcmd.LoadFromFile(kubeconfig)
	require.NoError(t, err)
	config.Contexts["mine"], config.CurrentContext = config.Contexts[config.CurrentContext], "mine"
	kubeconfig = filepath.Join(t.TempDir(), "mine")
	require.NoError(t, clientcmd.WriteToFile(*config, kubeconfig))
	l.moved("web")
	plan, err := l.preview()
	require.NoError(t, err, l.log.String())
	assert.Equal(t, map[string]int{"same": plan.Changes["same"], "update": 1}, plan.Changes, "only the way to the cluster changes: %s", l.log)
	require.NoError(t, os.Remove(kubeconfig))
	kubeconfig = cluster.server.Kubeconfig
	l.moved("web")

	t.Log("a second clone, in a namespace of its own")
	other := opened("    namespace: other\n", cluster.nodes.URL(t, "other"))
	served := other.answered(other.mustUp()["url"])
	assert.NotEmpty(t, served)
	require.NoError(t, l.destroy(), l.log.String())
	assert.Equal(t, []string{"other"}, cluster.ownNamespaces())
	other.refreshesClean()
	other.requireUnchanged(other.up())
	require.NoError(t, other.destroy(), other.log.String())
	assert.Empty(t, cluster.ownNamespaces(), "destroyed in one go")
}
