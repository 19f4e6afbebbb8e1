package kubernetes

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMetricsAreForNamedScrapersAlone checks that the metrics have a port of their
// own. Neither the Service nor the Ingress leads to it, and the network policy
// opens it only to the named scrapers.
func TestMetricsAreForNamedScrapersAlone(t *testing.T) {
	r := request(t)
	r.Spec.Metrics.Allow, r.Spec.Metrics.Namespaces = []string{"203.0.113.7", "2001:db8::/48"}, []string{"monitoring"}
	m := deployed(t, ready(), r)
	policy := named(t, m, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "api-networkpolicy")
	assert.Equal(t, []any{
		map[string]any{"ports": []any{map[string]any{"port": "http", "protocol": "TCP"}}},
		map[string]any{
			"ports": []any{map[string]any{"port": "metrics", "protocol": "TCP"}},
			"from": []any{
				map[string]any{"ipBlock": map[string]any{"cidr": "203.0.113.7/32"}},
				map[string]any{"ipBlock": map[string]any{"cidr": "2001:db8::/48"}},
				map[string]any{"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "monitoring"}}},
			},
		},
	}, part(t, policy, "spec", "ingress"))
	ports := part(t, named(t, m, "kubernetes:apps/v1:Deployment", "api-deployment"), "spec", "template", "spec", "containers", 0, "ports").([]any)
	require.Len(t, ports, 2)
	assert.Equal(t, map[string]any{"name": "metrics", "containerPort": 9464.0, "protocol": "TCP"}, ports[1])
	data := part(t, named(t, m, "kubernetes:core/v1:ConfigMap", "api-config"), "data")
	assert.Equal(t, "admin", part(t, data, "METRICS"), "not on the port that the public reaches")
	assert.Equal(t, "9464", part(t, data, "METRICS_PORT"))

	for kind, name := range map[string]string{"kubernetes:core/v1:Service": "api-service", "kubernetes:networking.k8s.io/v1:Ingress": "api-ingress"} {
		object, err := json.Marshal(named(t, m, kind, name))
		require.NoError(t, err)
		assert.NotContains(t, string(object), "metrics", kind)
		assert.NotContains(t, string(object), "9464", kind)
		assert.Contains(t, string(object), `"http"`, kind)
	}

	r.Spec.Port, r.Spec.Env = 9464, map[string]string{"METRICS": "direct"}
	err := ready().Check(t.Context(), r)
	require.ErrorContains(t, err, "service.port: is 9464, the port of the metrics")
	require.ErrorContains(t, err, "service.env.METRICS: is set together with service.metrics")
}

func TestMetricsWithoutScrapersAreAsBefore(t *testing.T) {
	m := deployed(t, ready(), request(t))
	assert.Len(t, part(t, named(t, m, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "api-networkpolicy"), "spec", "ingress"), 1)
	assert.Len(t, part(t, named(t, m, "kubernetes:apps/v1:Deployment", "api-deployment"), "spec", "template", "spec", "containers", 0, "ports"), 1)
	assert.NotContains(t, part(t, named(t, m, "kubernetes:core/v1:ConfigMap", "api-config"), "data"), "METRICS_PORT")
}
