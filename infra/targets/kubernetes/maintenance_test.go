package kubernetes

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// TestThePageOfAMaintenanceIsNotTheStacks checks that the program does not register
// the ConfigMap with the page. So no update ends a maintenance.
func TestThePageOfAMaintenanceIsNotTheStacks(t *testing.T) {
	k := ready()
	k.settings.Maintenance = true
	r := request(t)
	m := deployed(t, k, r)
	pod := part(t, named(t, m, "kubernetes:apps/v1:Deployment", "api-deployment"), "spec", "template", "spec")
	assert.Contains(t, part(t, pod, "volumes"), map[string]any{
		"name": "maintenance", "configMap": map[string]any{"name": "api-maintenance", "optional": true},
	})
	assert.Contains(t, part(t, pod, "containers", 0, "volumeMounts"), map[string]any{
		"name": "maintenance", "mountPath": "/run/escala-maintenance", "readOnly": true,
	})
	assert.Equal(t, "/run/escala-maintenance/page.html", part(t, named(t, m, "kubernetes:core/v1:ConfigMap", "api-config"), "data", "MAINTENANCE_FILE"))
	for _, one := range m.OfType("kubernetes:core/v1:ConfigMap") {
		if meta, ok := one.Inputs["metadata"].(map[string]any); ok {
			assert.NotEqual(t, "api-maintenance", meta["name"])
		}
	}

	before := deployed(t, ready(), r)
	assert.Len(t, part(t, named(t, before, "kubernetes:apps/v1:Deployment", "api-deployment"), "spec", "template", "spec", "volumes"), 1)
	assert.NotContains(t, part(t, named(t, before, "kubernetes:core/v1:ConfigMap", "api-config"), "data"), "MAINTENANCE_FILE")

	k.settings.Image, k.settings.Registry = "ghcr.io/you/api@sha256:"+string(r.Release.ID), ""
	r.Spec.Runtime, r.Spec.Workers.Mode, r.Spec.ReadyPath = service.RuntimeNone, service.WorkersPorts, r.Spec.HealthPath
	require.ErrorContains(t, k.Check(t.Context(), r), "kubernetes.maintenance: is on, but on a cluster escala's runtime answers with the page")
}
