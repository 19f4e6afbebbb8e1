package acceptance

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/fakecluster"
	"escala/infra/testing/nodes"
)

// TestPluginAsksAgain checks on a real kube-apiserver that a release that failed
// for a temporary reason serves after another update without a change. The
// kubelets' back-off for failed pods is longer than the time that an update waits.
func TestPluginAsksAgain(t *testing.T) {
	t.Parallel()
	cluster, plugin := openRealCluster(t)
	host := cluster.serveImages()
	pull := pullFrom(host, "nobody", "nothing")
	l := openKubernetes(t, "30s", plugin)
	url := cluster.nodes.URL(t, "api")
	l.configure(kubernetesSettings(cluster.server.Kubeconfig, host, url) + "  escala:service:\n    scale: {replicas: 2}\n")
	quota := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ResourceQuota", "metadata": map[string]any{"name": "few"}, "spec": map[string]any{"hard": map[string]any{"pods": "2"}},
	}}
	quotas := cluster.client.Resource(kind("", "v1", "resourcequotas")).Namespace("api")
	works := func(n *nodes.Nodes) {
		n.Pull, n.BackOff = pull, time.Hour
		n.Run = func(nodes.Container) fakecluster.Trouble { return fakecluster.Trouble{} }
	}
	// failing keeps the containers of all releases but one from starting.
	failing := func(served string, trouble fakecluster.Trouble) {
		cluster.nodes.Change(func(n *nodes.Nodes) {
			n.Run = func(c nodes.Container) fakecluster.Trouble {
				if c.Release == served {
					return fakecluster.Trouble{}
				}
				return trouble
			}
		})
	}
	cluster.nodes.Change(works)
	l.mustUp()
	for name, reason := range map[string]struct {
		begin, end func(served string)
		message    string
	}{
		"the image cannot be pulled": {
			begin: func(string) {
				cluster.nodes.Change(func(n *nodes.Nodes) {
					n.Pull = func(string, []string) (string, error) { return "", errors.New("503 Service Unavailable") }
				})
			},
			message: "cannot pull its image: 503 Service Unavailable",
		},
		"its dependency is away": {
			begin:   func(served string) { failing(served, fakecluster.Trouble{Ended: "Error", ExitCode: 2, Restarts: 3}) },
			message: "ends with status 2, 3 restarts so far",
		},
		"its probe fails": {
			begin: func(served string) {
				failing(served, fakecluster.Trouble{Unready: "Readiness probe failed: HTTP probe failed with statuscode: 503"})
			},
			message: "runs, but is not ready",
		},
		"a quota": {
			begin: func(string) {
				made, err := quotas.Create(t.Context(), quota, metav1.CreateOptions{})
				require.NoError(t, err)
				// The quota controller, which does not run here, would set this status.
				made.Object["status"] = map[string]any{"hard": map[string]any{"pods": "2"}, "used": map[string]any{"pods": "2"}}
				_, err = quotas.UpdateStatus(t.Context(), made, metav1.UpdateOptions{})
				require.NoError(t, err)
			},
			end:     func(string) { require.NoError(t, quotas.Delete(t.Context(), "few", metav1.DeleteOptions{})) },
			message: "no pod can be made: ",
		},
	} {
		t.Log(name)
		served := l.answered(url)
		l.release(name)
		reason.begin(served)
		_, err := l.up()
		require.Error(t, err)
		assert.Contains(t, l.log.String(), reason.message)
		assert.Contains(t, l.log.String(), "the next update asks for it again at once, also without a change")
		assert.Equal(t, served, l.answered(url), "what served serves")
		if reason.end != nil {
			reason.end(served)
		}
		cluster.nodes.Change(works)
		l.requireUnchanged(l.up())
		assert.NotEqual(t, served, l.answered(url), "the release serves")
	}
	require.NoError(t, l.destroy(), l.log.String())
}
