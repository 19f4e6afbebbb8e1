package kubernetes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// TestBake checks what a bake changes in the Deployment, and that a rollback has none
// but keeps the pods countable.
func TestBake(t *testing.T) {
	bake := service.Bake{Time: 2 * time.Minute, Errors: "1%"}
	for name, tt := range map[string]struct {
		described, asked service.Bake
		steady           time.Duration
		minReady         float64
		surge            string
		key              bool
	}{
		"off":              {service.NewBake(), service.Bake{}, time.Second, 1, "25%", false},
		"on":               {bake, bake, time.Second, 125, "100%", true},
		"with a long wait": {bake, bake, 20 * time.Second, 140, "100%", true},
		"a rollback":       {bake, service.Bake{}, time.Second, 1, "25%", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t)
			r.Spec.Bake, r.Bake, r.Spec.Lifecycle.Steady, r.GateTimeout = tt.described, tt.asked, tt.steady, 7*time.Minute
			spec := part(t, named(t, deployed(t, ready(), r), "kubernetes:apps/v1:Deployment", "api-deployment"), "spec")
			assert.InDelta(t, tt.minReady, part(t, spec, "minReadySeconds"), 0)
			assert.Greater(t, part(t, spec, "progressDeadlineSeconds"), part(t, spec, "minReadySeconds"))
			assert.Equal(t, tt.surge, part(t, spec, "strategy", "rollingUpdate", "maxSurge"))
			assert.InDelta(t, 0.0, part(t, spec, "strategy", "rollingUpdate", "maxUnavailable"), 0)
			container := part(t, spec, "template", "spec", "containers", 0)
			if !tt.key {
				assert.NotContains(t, container, "env")
				return
			}
			assert.Equal(t, []any{map[string]any{
				"name": "COUNTS_KEY", "valueFrom": map[string]any{"fieldRef": map[string]any{"fieldPath": "metadata.uid"}},
			}}, part(t, container, "env"))
		})
	}
}

// TestBakeNeedsTheRuntime checks that a program that counts no answers is refused.
func TestBakeNeedsTheRuntime(t *testing.T) {
	r := request(t)
	r.Spec.Bake = service.Bake{Time: time.Minute, Errors: "1%"}
	require.NoError(t, ready().Check(t.Context(), r))
	r.Spec.Runtime, r.Spec.Workers.Mode = service.RuntimeNone, service.WorkersPorts
	require.ErrorContains(t, ready().Check(t.Context(), r), "service.release.bake: is set, but in a cluster escala's runtime counts the answers of each pod, and service.runtime is none")
}
