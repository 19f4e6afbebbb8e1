package rollout

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/nodes"
)

// TestReleaseCommandOnARealAPIServer checks that a command runs once if several
// updates request it at the same time. Kubernetes' own Job controller runs it.
func TestReleaseCommandOnARealAPIServer(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	server := apiserver.StartWithControllers(t)
	var mu sync.Mutex
	runs := map[string]int{}
	nodes.Start(t, server).Change(func(n *nodes.Nodes) {
		n.Ends = func(c nodes.Container) *nodes.End {
			mu.Lock()
			defer mu.Unlock()
			if runs[c.Pod]++; runs[c.Pod] < 10 {
				return nil // the command takes some time
			}
			return &nodes.End{}
		}
	})
	cluster := server.Objects(t)
	labels := map[string]any{"app.kubernetes.io/name": "api", "app.kubernetes.io/component": ReleaseComponent, CommandLabel: "aabbccddeeff"}
	for _, o := range []map[string]any{
		{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "api"}},
		{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "default", "namespace": "api"}},
		{"apiVersion": "batch/v1", "kind": "CronJob", "metadata": map[string]any{"name": "api-release", "namespace": "api"}, "spec": map[string]any{
			"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec": map[string]any{"backoffLimit": int64(0), "template": map[string]any{
					"metadata": map[string]any{"labels": labels},
					"spec":     map[string]any{"restartPolicy": "Never", "containers": []any{map[string]any{"name": "release", "image": wanted}}},
				}},
			},
		}},
	} {
		_, err := cluster.Apply(t.Context(), o)
		require.NoError(t, err)
	}
	kubeconfig, err := os.ReadFile(server.Kubeconfig)
	require.NoError(t, err)
	r := ReleaseCommand{
		Kubeconfig: string(kubeconfig), Namespace: "api", Service: "api", CronJob: "api-release", Image: wanted, Command: "aabbccddeeff",
		Timeout: time.Minute, Poll: 20 * time.Millisecond, Report: func(string) {},
	}
	var updates sync.WaitGroup
	errs := make(chan error, 10)
	for range cap(errs) {
		updates.Go(func() { errs <- r.Run(t.Context()) })
	}
	updates.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	mu.Lock()
	defer mu.Unlock()
	assert.Len(t, runs, 1, fmt.Sprint(runs))
}
