package pods

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/fakecluster"
	"escala/infra/testing/nodes"
)

// TestARestartOnARealAPIServer checks that all pods of a Deployment are replaced,
// with Kubernetes' own eviction, disruption budget and controllers.
func TestARestartOnARealAPIServer(t *testing.T) {
	server := apiserver.StartWithControllers(t)
	n := nodes.Start(t, server)
	client := server.Objects(t)
	apply := func(o map[string]any) {
		t.Helper()
		_, err := client.Apply(t.Context(), o)
		require.NoError(t, err)
	}
	deployment := apiserver.Object("apps/v1", "Deployment", "shop", "api", map[string]any{"spec": map[string]any{
		"replicas": int64(3), "selector": map[string]any{"matchLabels": map[string]any{"app": "api"}},
		"template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"app": "api"}},
			"spec":     map[string]any{"containers": []any{map[string]any{"name": "api", "image": "registry.example.com/api:1"}}},
		},
	}})
	client.MakeNamespace(t, "shop")
	apply(deployment)
	apply(apiserver.Object("policy/v1", "PodDisruptionBudget", "shop", "api", map[string]any{"spec": map[string]any{
		"maxUnavailable": int64(1), "selector": map[string]any{"matchLabels": map[string]any{"app": "api"}},
	}}))
	kubeconfig, err := os.ReadFile(server.Kubeconfig)
	require.NoError(t, err)
	c, err := New(string(kubeconfig), "shop", "api")
	require.NoError(t, err)
	uids := func() (all map[string]bool, ready int) {
		_, pods, err := c.pods(t.Context())
		require.NoError(t, err)
		all = map[string]bool{}
		for _, p := range pods {
			all[p.Metadata.UID] = true
			if p.ready() {
				ready++
			}
		}
		return all, ready
	}
	require.Eventually(t, func() bool { _, ready := uids(); return ready == 3 }, time.Minute, 100*time.Millisecond)
	before, _ := uids()
	described, err := client.Get(t.Context(), deployment)
	require.NoError(t, err)

	// The pods are watched all the time.
	watched, stop := context.WithCancel(t.Context())
	fewest := 3
	var watching sync.WaitGroup
	watching.Go(func() {
		for watched.Err() == nil {
			if _, ready := uids(); ready < fewest {
				fewest = ready
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	var told []string
	require.NoError(t, c.Restart(t.Context(), func(text string) { told = append(told, text) }))
	stop()
	watching.Wait()
	after, ready := uids()
	assert.Equal(t, 3, ready)
	for uid := range before {
		assert.NotContains(t, after, uid)
	}
	assert.GreaterOrEqual(t, fewest, 2, "one pod at a time")
	require.Len(t, told, 4)
	assert.Contains(t, told[0], "(1 of 3)")
	now, err := client.Get(t.Context(), deployment)
	require.NoError(t, err)
	spec := func(o *unstructured.Unstructured) any { return o.Object["spec"] }
	assert.Equal(t, spec(described), spec(now), "the program's description still fits")
	assert.Equal(t, described.GetGeneration(), now.GetGeneration())
	t.Logf("%s; at least %d of 3 pods were ready", told[3], fewest)

	t.Run("a pod that does not come up ends it", func(t *testing.T) {
		n.Change(func(n *nodes.Nodes) {
			n.Run = func(nodes.Container) fakecluster.Trouble { return fakecluster.Trouble{Ended: "Error", ExitCode: 2} }
		})
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		before, _ := uids()
		err := c.Restart(ctx, func(string) {})
		require.Error(t, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Contains(t, err.Error(), "1 of 3 pods are new: ")
		after, _ := uids()
		kept := 0
		for uid := range before {
			if after[uid] {
				kept++
			}
		}
		assert.Equal(t, 2, kept, "the others keep serving")
	})
	t.Run("a name that is no pod", func(t *testing.T) {
		_, err := find(nil, "web")
		require.ErrorContains(t, err, `"web" is not one of the service's pods`)
		assert.NotContains(t, err.Error(), "\n")
	})
}
