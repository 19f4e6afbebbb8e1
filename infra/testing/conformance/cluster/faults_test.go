package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/conformance"
	kubelets "escala/infra/testing/nodes"
)

// TestFaultsOnARealAPIServer checks with Kubernetes' own API server and controllers
// that each fault of a cluster takes effect and ends. No pod runs, so there is no
// load.
func TestFaultsOnARealAPIServer(t *testing.T) {
	server := apiserver.StartWithControllers(t)
	kubelets.Start(t, server)
	objects := server.Objects(t)
	apply := func(o map[string]any) {
		t.Helper()
		_, err := objects.Apply(t.Context(), o)
		require.NoError(t, err)
	}
	labels := func(component string) map[string]any {
		return map[string]any{"app.kubernetes.io/name": name, "app.kubernetes.io/component": component}
	}
	deployment := func(called, component string, replicas int64) map[string]any {
		return apiserver.Object("apps/v1", "Deployment", "shop", called, map[string]any{"spec": map[string]any{
			"replicas": replicas, "selector": map[string]any{"matchLabels": labels(component)},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels(component)},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": name, "image": "registry.example.com/" + called + ":1"}}},
			},
		}})
	}
	objects.MakeNamespace(t, "shop")
	apply(deployment(name, "service", 3))
	apply(deployment(name+"-redis", "redis", 1))
	apply(apiserver.Object("policy/v1", "PodDisruptionBudget", "shop", name, map[string]any{"spec": map[string]any{
		"maxUnavailable": int64(1), "selector": map[string]any{"matchLabels": labels("service")},
	}}))
	c, err := newClient(server.Kubeconfig, "", "shop")
	require.NoError(t, err)
	s := &System{client: c}

	// names returns the serving pods once there are n of them and no others.
	names := func(labels string, n int) []string {
		t.Helper()
		var found []string
		require.NoError(t, await(t.Context(), time.Minute, func() (string, error) {
			all, err := c.workers(t.Context(), labels)
			if err != nil {
				return "", err
			}
			found = nil
			for _, p := range serving(all) {
				found = append(found, p.name)
			}
			if len(found) != n || len(all) != n {
				return described(all) + " are not the pods that should serve", nil
			}
			return "", nil
		}))
		return found
	}
	for fault, of := range map[conformance.Fault]struct {
		labels string
		pods   int
	}{conformance.KillWorker: {serviceLabels, 3}, conformance.KillRedis: {redisLabels, 1}} {
		t.Run(string(fault), func(t *testing.T) {
			before := names(of.labels, of.pods)
			_, err := s.Inject(t.Context(), fault)
			require.NoError(t, err)
			after := names(of.labels, of.pods)
			same := 0
			for _, pod := range after {
				for _, old := range before {
					if pod == old {
						same++
					}
				}
			}
			assert.Equal(t, of.pods-1, same, "one pod is another")
		})
	}
	t.Run(string(conformance.HangRedis), func(t *testing.T) {
		before := names(redisLabels, 1)
		injected, err := s.Inject(t.Context(), conformance.HangRedis)
		require.NoError(t, err)
		names(redisLabels, 0)
		require.NoError(t, injected.Heal(t.Context()))
		assert.NotEqual(t, before, names(redisLabels, 1))
	})
	t.Run("a drain and a restart", func(t *testing.T) {
		before := names(serviceLabels, 3)
		refusals, err := s.Drain(t.Context())
		require.NoError(t, err)
		assert.NotEmpty(t, refusals, "the budget lets one pod go at a time")
		drained := names(serviceLabels, 3)
		assert.NotSubset(t, before, drained)
		require.NoError(t, s.Restart(t.Context()))
		for _, pod := range names(serviceLabels, 3) {
			assert.NotContains(t, drained, pod)
		}
	})
	t.Run("the others say why they are not for a cluster", func(t *testing.T) {
		for _, fault := range []conformance.Fault{
			conformance.KillSupervisor, conformance.KillProxy, conformance.Reboot, conformance.FillDisk, conformance.HideStore,
			conformance.KillFollower, conformance.KillProxyOften, conformance.KillSupervisorOften, conformance.KillRedisOften,
			conformance.KillFollowerOften, conformance.HangLogReader, conformance.TakePort, conformance.FillInodes,
			conformance.OtherPointer, conformance.UpgradeSupervisor,
		} {
			_, err := s.Inject(t.Context(), fault)
			reason, yes := conformance.IsNotApplicable(err)
			assert.True(t, yes, fault)
			assert.NotContains(t, reason, "does not know the fault", fault)
		}
	})
}
