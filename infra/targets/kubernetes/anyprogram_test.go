package kubernetes

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// TestAnyProgram checks a program that may end at once on SIGTERM. It gets SIGTERM
// only after its requests had their time. Its environment has its port and none of
// the runtime's variables.
func TestAnyProgram(t *testing.T) {
	r := request(t)
	r.Spec.Runtime = service.RuntimeNone
	r.Spec.Workers.Mode, r.Spec.ReadyPath, r.Spec.HealthPath = "", "", "/up"
	r.Spec.WebSocket.Rooms = false
	r.Spec.FillDefaults()
	life := service.NewLifecycle()
	r.Spec.Lifecycle = life
	m := deployed(t, ready(), r)

	deployments := m.OfType("kubernetes:apps/v1:Deployment")
	require.NotEmpty(t, deployments)
	var container any
	for _, d := range deployments {
		if c := part(t, d.Inputs, "spec", "template", "spec", "containers", 0); part(t, c, "name") == r.Spec.Name {
			container = c
		}
	}
	require.NotNil(t, container)
	assert.InDelta(t, (life.Announce + life.Drain).Seconds(), part(t, container, "lifecycle", "preStop", "sleep", "seconds"), 0)
	assert.Equal(t, "/up", part(t, container, "readinessProbe", "httpGet", "path"))

	configs := m.OfType("kubernetes:core/v1:ConfigMap")
	require.Len(t, configs, 1)
	data, ok := configs[0].Inputs["data"].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, "0.0.0.0", data[service.EnvHost])
	assert.NotEmpty(t, data[service.EnvPort])
	for _, name := range []string{service.EnvReadyPath, service.EnvTrustedHeaders, "DRAIN_TIMEOUT", service.EnvMaxBody} {
		assert.NotContains(t, data, name)
	}
}
