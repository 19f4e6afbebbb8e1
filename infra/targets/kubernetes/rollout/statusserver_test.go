package rollout

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/operate"
	"escala/infra/operate/pods"
	"escala/infra/operate/screen"
	"escala/infra/testing/apiserver"
	"escala/service"
)

// TestAMaintenanceIsInTheStatusOnARealAPIServer checks that a status has a
// maintenance as long as clients get its page.
func TestAMaintenanceIsInTheStatusOnARealAPIServer(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	server := apiserver.Start(t)
	cluster := server.Objects(t)
	containers := []any{map[string]any{
		"name": "api", "image": wanted,
		"ports":         []any{map[string]any{"name": "http", "containerPort": int64(3000)}},
		"livenessProbe": map[string]any{"httpGet": map[string]any{"path": "/health", "port": "http"}},
		"volumeMounts":  []any{map[string]any{"name": "maintenance", "mountPath": "/run/escala-maintenance", "readOnly": true}},
	}}
	for _, o := range []map[string]any{
		apiserver.Object("v1", "Namespace", "", "maintained", nil),
		apiserver.Object("apps/v1", "Deployment", "maintained", "api", map[string]any{"spec": map[string]any{
			"replicas": int64(0), "selector": map[string]any{"matchLabels": map[string]any{"app": "api"}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": "api"}}, "spec": map[string]any{
				"containers": containers,
				"volumes":    []any{map[string]any{"name": "maintenance", "configMap": map[string]any{"name": pods.MaintenanceName("api"), "optional": true}}},
			}},
		}}),
	} {
		_, err := cluster.Apply(t.Context(), o)
		require.NoError(t, err)
	}
	kubeconfig, err := os.ReadFile(server.Kubeconfig)
	require.NoError(t, err)
	c, err := pods.New(string(kubeconfig), "maintained", "api")
	require.NoError(t, err)
	spec := service.NewSpec()
	spec.Name = "api"
	stack := &operate.Stack{Project: "escala", Name: "k", Target: "kubernetes", Spec: spec, Outputs: map[string]any{}}
	const line = "clients   get the page of a maintenance; make maintenance ON=0 ends it\n"
	shown := func() (on bool, text string) {
		t.Helper()
		status := Status(t.Context(), stack, string(kubeconfig), "maintained", "api")
		var out strings.Builder
		screen.Screen{Out: &out, Now: time.Now()}.Status(status)
		return status.Maintenance, out.String()
	}
	on, text := shown()
	assert.False(t, on, "no ConfigMap")
	assert.NotContains(t, text, "maintenance")
	for _, wish := range []bool{true, false, true} {
		require.NoError(t, c.Maintain(t.Context(), operate.Maintenance{On: wish}, func(string) {}))
		on, text = shown()
		assert.Equal(t, wish, on)
		assert.Equal(t, wish, strings.Contains(text, line), text)
	}
}
