package nodes_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/fakecluster"
	"escala/infra/testing/nodes"
)

// TestADeploymentsPods checks that pods report each reason that keeps them from
// running, and then run.
func TestADeploymentsPods(t *testing.T) {
	server := apiserver.StartWithControllers(t)
	n := nodes.Start(t, server)
	cluster := server.Objects(t)
	apply := func(o map[string]any) {
		t.Helper()
		_, err := cluster.Apply(t.Context(), o)
		require.NoError(t, err)
	}
	deployment := apiserver.Object("apps/v1", "Deployment", "shop", "api", map[string]any{"spec": map[string]any{
		"replicas": int64(2), "selector": map[string]any{"matchLabels": map[string]any{"app": "api"}},
		"template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"app": "api"}},
			"spec": map[string]any{"containers": []any{map[string]any{
				"name": "api", "image": "registry.example.com/api:1",
				"envFrom": []any{map[string]any{"configMapRef": map[string]any{"name": "config"}}},
			}}},
		},
	}})
	available := func() int64 {
		now, err := cluster.Get(t.Context(), deployment)
		require.NoError(t, err)
		ready, _, err := unstructured.NestedInt64(now.Object, "status", "availableReplicas")
		require.NoError(t, err)
		return ready
	}
	url := n.URL(t, "shop")
	release := func() string {
		resp, err := http.Get(url)
		require.NoError(t, err)
		defer resp.Body.Close()
		return resp.Header.Get("X-Release")
	}
	const long, moment = time.Minute, 100 * time.Millisecond

	n.Change(func(n *nodes.Nodes) {
		n.Pull = func(string, []string) (string, error) { return "", errors.New("no such image") }
		n.Run = func(c nodes.Container) fakecluster.Trouble {
			if c.Env["GREETING"] == "bad" {
				return fakecluster.Trouble{Ended: "Error", ExitCode: 2}
			}
			return fakecluster.Trouble{}
		}
	})
	cluster.MakeNamespace(t, "shop")
	apply(deployment)
	reason := func(want string) {
		t.Helper()
		require.Eventually(t, func() bool { return n.Waiting("shop", want) == 2 }, long, moment, want)
		assert.Zero(t, available())
	}
	reason("ErrImagePull")
	n.Change(func(n *nodes.Nodes) { n.Pull = func(string, []string) (string, error) { return "one", nil } })
	reason("CreateContainerConfigError")
	apply(apiserver.Object("v1", "ConfigMap", "shop", "config", map[string]any{"data": map[string]any{"GREETING": "bad"}}))
	reason("CrashLoopBackOff")
	assert.Empty(t, release())
	apply(apiserver.Object("v1", "ConfigMap", "shop", "config", map[string]any{"data": map[string]any{"GREETING": "hello"}}))
	require.Eventually(t, func() bool { return available() == 2 }, long, moment)
	assert.Equal(t, "one", release())

	n.Change(func(n *nodes.Nodes) { n.DeadAPIs = true })
	apply(apiserver.Object("apiregistration.k8s.io/v1", "APIService", "", "v1beta1.metrics.k8s.io", map[string]any{"spec": map[string]any{
		"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
		"insecureSkipTLSVerify": true, "service": map[string]any{"name": "metrics-server", "namespace": "kube-system"},
	}}))
	namespace := apiserver.Object("v1", "Namespace", "", "shop", nil)
	require.NoError(t, cluster.Delete(t.Context(), namespace))
	require.Eventually(t, func() bool {
		now, err := cluster.Get(t.Context(), namespace)
		require.NoError(t, err)
		return condition(now, "NamespaceDeletionDiscoveryFailure") == "True"
	}, long, moment, "dead-api-keeps-namespaces")
	n.Change(func(n *nodes.Nodes) { n.DeadAPIs = false })
	require.Eventually(t, func() bool {
		_, err := cluster.Get(t.Context(), namespace)
		return apierrors.IsNotFound(err)
	}, long, moment, "the namespace ends, with its pods")
	assert.Empty(t, release())
}

// condition returns the status of one of an object's conditions, or "".
func condition(o *unstructured.Unstructured, kind string) string {
	all, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, one := range all {
		if c, ok := one.(map[string]any); ok && c["type"] == kind {
			return c["status"].(string)
		}
	}
	return ""
}
