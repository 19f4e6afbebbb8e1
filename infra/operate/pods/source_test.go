package pods

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/apiserver"
)

// TestSourcesOnARealAPIServer checks which pods a source of logs has. The API server
// itself selects them by their labels.
func TestSourcesOnARealAPIServer(t *testing.T) {
	server := apiserver.Start(t)
	client := server.Objects(t)
	apply := func(o map[string]any) {
		t.Helper()
		_, err := client.Apply(t.Context(), o)
		require.NoError(t, err)
	}
	containers := map[string]any{"containers": []any{map[string]any{"name": "api", "image": "registry.example.com/api:1"}}}
	labels := func(component, job string) map[string]any {
		all := map[string]any{"app.kubernetes.io/name": "api", "app.kubernetes.io/component": component}
		if job != "" {
			all[jobLabel] = job
		}
		return all
	}
	apply(apiserver.Object("v1", "Namespace", "", "sources", nil))
	apply(apiserver.Object("v1", "ServiceAccount", "sources", "default", nil))
	apply(apiserver.Object("apps/v1", "Deployment", "sources", "api", map[string]any{"spec": map[string]any{
		"replicas": int64(1), "selector": map[string]any{"matchLabels": labels("service", "")},
		"template": map[string]any{"metadata": map[string]any{"labels": labels("service", "")}, "spec": containers},
	}}))
	for _, one := range []struct{ name, component, job string }{
		{"api-a", "service", ""},
		{"api-b", "service", ""},
		{"mailer-a", "process-mailer", ""},
		{"mailer-b", "process-mailer", ""},
		{"release-1", "release-command", "api-release-1"},
		{"release-2", "release-command", "api-release-2"},
		{"report-1", "schedule-report", "api-report-1"},
		{"report-2", "schedule-report", "api-report-2"},
	} {
		pod := apiserver.Object("v1", "Pod", "sources", one.name, map[string]any{"spec": containers})
		pod["metadata"].(map[string]any)["labels"] = labels(one.component, one.job)
		apply(pod)
	}
	kubeconfig, err := os.ReadFile(server.Kubeconfig)
	require.NoError(t, err)
	c, err := New(string(kubeconfig), "sources", "api")
	require.NoError(t, err)
	for source, want := range map[string]struct {
		pods []string
		more bool
	}{
		"":                        {[]string{"api-a", "api-b"}, true},
		"api-b":                   {[]string{"api-b"}, false},
		"release-command":         {[]string{"release-2"}, true},
		"process-mailer":          {[]string{"mailer-a", "mailer-b"}, true},
		"escala-process-mailer@0": {[]string{"mailer-a", "mailer-b"}, true},
		"escala-schedule-report":  {[]string{"report-2"}, true},
	} {
		found, more, err := c.source(t.Context(), source)
		require.NoError(t, err, source)
		var names []string
		for _, p := range found {
			names = append(names, p.Metadata.Name)
		}
		assert.Equal(t, want.pods, names, source)
		assert.Equal(t, want.more, more, source)
	}
	for source, want := range map[string]string{
		"redis":           `"redis" is not one of the service's pods: api-a, api-b; and no component of that name has a pod`,
		"release-1":       `"release-1" is not one of the service's pods`,
		"x,app=api":       `"x,app=api" is not one of the service's pods: api-a, api-b`,
		"service)or(true": `is not one of the service's pods`,
	} {
		_, _, err := c.source(t.Context(), source)
		require.ErrorContains(t, err, want, source)
	}
}
