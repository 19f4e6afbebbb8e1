package pods

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/operate"
	"escala/infra/testing/apiserver"
)

// kubelets has the parts of a cluster that a maintenance needs: one Deployment of
// two pods, whose kubelets update their volumes when the pods change.
type kubelets struct {
	mu      sync.Mutex
	mounted bool
	forbid  string // a path that is answered with 403
	page    map[string]string
	pods    map[string]bool // that have followed, by name
	patched []string
	calls   []string
}

func (a *kubelets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, r.Method+" "+r.URL.Path)
	answer := func(status int, object any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(object)
	}
	const all = "/api/v1/namespaces/shop/"
	switch {
	case a.forbid != "" && strings.Contains(r.URL.Path, a.forbid):
		answer(http.StatusForbidden, map[string]any{"message": "you may not"})
	case r.URL.Path == "/apis/apps/v1/namespaces/shop/deployments/api":
		var volumes []any
		if a.mounted {
			volumes = []any{map[string]any{"name": "tmp"}, map[string]any{"configMap": map[string]any{"name": "api-maintenance"}}}
		}
		answer(200, map[string]any{"spec": map[string]any{
			"replicas": 2, "selector": map[string]any{"matchLabels": map[string]any{"app": "api"}},
			"template": map[string]any{"spec": map[string]any{"volumes": volumes, "containers": []any{map[string]any{
				"ports": []any{map[string]any{"containerPort": 3000}}, "livenessProbe": map[string]any{"httpGet": map[string]any{"path": "/health", "port": "http"}},
			}}}},
		}})
	case r.URL.Path == all+"configmaps/api-maintenance" && r.Method == http.MethodPut && a.page == nil:
		answer(http.StatusNotFound, map[string]any{"message": "not found"})
	case strings.HasPrefix(r.URL.Path, all+"configmaps"):
		var object configMap
		_ = json.NewDecoder(r.Body).Decode(&object)
		a.page = object.Data
		answer(200, object)
	case r.URL.Path == all+"pods":
		var items []any
		for _, name := range []string{"api-1", "api-2", "api-3"} {
			status := "True"
			if name == "api-3" { // it starts, and nothing leads there
				status = "False"
			}
			items = append(items, map[string]any{
				"metadata": map[string]any{"name": name, "uid": "u-" + name},
				"status":   map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": status}}},
			})
		}
		answer(200, map[string]any{"items": items})
	case r.Method == http.MethodPatch:
		name := strings.TrimPrefix(r.URL.Path, all+"pods/")
		a.patched = append(a.patched, name+" "+r.Header.Get("Content-Type"))
		_, a.pods[name] = a.page["page.html"]
		answer(200, map[string]any{})
	case strings.HasSuffix(r.URL.Path, ":3000/proxy/health"):
		name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, all+"pods/"), ":3000/proxy/health")
		if a.pods[name] {
			w.Header().Set("X-Maintenance", "on")
		}
		_, _ = fmt.Fprint(w, "ok")
	default:
		answer(http.StatusNotFound, map[string]any{"message": "no such thing"})
	}
}

func maintained(t *testing.T, a *kubelets) *Cluster {
	t.Helper()
	a.pods = map[string]bool{}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	c, err := New(`{"apiVersion":"v1","kind":"Config","current-context":"a","contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"clusters":[{"name":"a","cluster":{"server":"`+server.URL+`"}}],"users":[{"name":"a","user":{}}]}`, "shop", "api")
	require.NoError(t, err)
	return c
}

func TestAMaintenanceOfACluster(t *testing.T) {
	t.Parallel()
	a := &kubelets{mounted: true}
	c := maintained(t, a)
	report := func(string) {}
	require.NoError(t, c.Maintain(t.Context(), operate.Maintenance{On: true, Page: []byte("<p>Later</p>")}, report))
	assert.Equal(t, map[string]string{"page.html": "<p>Later</p>"}, a.page)
	assert.Equal(t, map[string]bool{"api-1": true, "api-2": true}, a.pods)
	assert.Equal(t, []string{"api-1 application/merge-patch+json", "api-2 application/merge-patch+json"}, a.patched, "each pod once")

	require.NoError(t, c.Maintain(t.Context(), operate.Maintenance{On: true}, report))
	assert.Contains(t, a.page["page.html"], "This service is being maintained")
	require.NoError(t, c.Maintain(t.Context(), operate.Maintenance{}, report))
	assert.Empty(t, a.page)
	assert.Equal(t, map[string]bool{"api-1": false, "api-2": false}, a.pods)
	for _, call := range a.calls {
		if !strings.HasPrefix(call, "GET ") {
			assert.Regexp(t, `/configmaps(/api-maintenance)?$|/pods/api-[12]$`, call, "nothing of the stack's is changed")
		}
	}
}

func TestAMaintenanceThatCannotBe(t *testing.T) {
	t.Parallel()
	a := &kubelets{}
	c := maintained(t, a)
	require.ErrorIs(t, c.Maintain(t.Context(), operate.Maintenance{On: true}, func(string) {}), ErrNoMaintenance)
	assert.Nil(t, a.page, "nothing is promised that no pod keeps")

	a = &kubelets{mounted: true, forbid: "/configmaps"}
	require.ErrorContains(t, maintained(t, a).Maintain(t.Context(), operate.Maintenance{On: true}, func(string) {}), "writing the ConfigMap shop/api-maintenance: Kubernetes API: you may not")

	a = &kubelets{mounted: true, forbid: "/proxy/"}
	require.ErrorContains(t, maintained(t, a).Maintain(t.Context(), operate.Maintenance{On: true}, func(string) {}), "the maintenance is recorded: pods are asked through the API")
	assert.NotEmpty(t, a.page)
}

// proxied answers for the pods of a real API server, which have no process. It
// answers like a worker whose kubelet reads the ConfigMap when its pod changes.
type proxied struct {
	http.RoundTripper
	look func(pod string) (on bool)
}

func (p proxied) RoundTrip(r *http.Request) (*http.Response, error) {
	name, ok := strings.CutSuffix(r.URL.Path, ":3000/proxy/health")
	if !ok {
		return p.RoundTripper.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	if p.look(name[strings.LastIndex(name, "/")+1:]) {
		w.Header().Set("X-Maintenance", "on")
	}
	return w.Result(), nil
}

// TestAMaintenanceOnARealAPIServer checks that Kubernetes accepts what a maintenance
// writes, and that the Deployment stays as the stack described it.
func TestAMaintenanceOnARealAPIServer(t *testing.T) {
	server := apiserver.Start(t)
	client := server.Objects(t)
	apply := func(o map[string]any) {
		t.Helper()
		_, err := client.Apply(t.Context(), o)
		require.NoError(t, err)
	}
	spec := map[string]any{
		"containers": []any{map[string]any{
			"name": "api", "image": "registry.example.com/api:1",
			"ports":         []any{map[string]any{"name": "http", "containerPort": int64(3000)}},
			"livenessProbe": map[string]any{"httpGet": map[string]any{"path": "/health", "port": "http"}},
			"volumeMounts":  []any{map[string]any{"name": "maintenance", "mountPath": "/run/escala-maintenance", "readOnly": true}},
		}},
		"volumes": []any{map[string]any{"name": "maintenance", "configMap": map[string]any{"name": "api-maintenance", "optional": true}}},
	}
	deployment := apiserver.Object("apps/v1", "Deployment", "shop", "api", map[string]any{"spec": map[string]any{
		"replicas": int64(1), "selector": map[string]any{"matchLabels": map[string]any{"app": "api"}},
		"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": "api"}}, "spec": spec},
	}})
	pod := apiserver.Object("v1", "Pod", "shop", "api-1", map[string]any{"spec": spec})
	pod["metadata"].(map[string]any)["labels"] = map[string]any{"app": "api"}
	apply(apiserver.Object("v1", "Namespace", "", "shop", nil))
	apply(apiserver.Object("v1", "ServiceAccount", "shop", "default", nil))
	apply(deployment)
	apply(pod)
	kubeconfig, err := os.ReadFile(server.Kubeconfig)
	require.NoError(t, err)
	c, err := New(string(kubeconfig), "shop", "api")
	require.NoError(t, err)
	ready := map[string]any{"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}}
	require.NoError(t, c.do(t.Context(), http.MethodPatch, "/api/v1/namespaces/shop/pods/api-1/status", nil, ready, nil))
	before, err := client.Get(t.Context(), deployment)
	require.NoError(t, err)

	seen := "" // the annotation that the kubelet has acted on
	on := false
	c.http.Transport = proxied{c.http.Transport, func(name string) bool {
		now, err := client.Get(t.Context(), apiserver.Object("v1", "Pod", "shop", name, nil))
		if assert.NoError(t, err) && now.GetAnnotations()[touched] != seen {
			seen = now.GetAnnotations()[touched]
			page, err := client.Get(t.Context(), apiserver.Object("v1", "ConfigMap", "shop", "api-maintenance", nil))
			require.NoError(t, err)
			data, _, _ := unstructured.NestedStringMap(page.Object, "data")
			_, on = data["page.html"]
		}
		return on
	}}
	for _, wish := range []bool{true, false, true} {
		require.NoError(t, c.Maintain(t.Context(), operate.Maintenance{On: wish}, func(string) {}))
		assert.Equal(t, wish, on)
		assert.NotEmpty(t, seen)
	}
	now, err := client.Get(t.Context(), deployment)
	require.NoError(t, err)
	assert.Equal(t, before.GetResourceVersion(), now.GetResourceVersion(), "nothing of the stack's is changed")
}
