package nodes

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/kube"
)

// metricsName is the name of the Service that points to the metrics.
const metricsName = "nodes-metrics"

// serveMetrics answers as a metrics-server that has not measured anything, until
// the test ends. It returns the port.
func serveMetrics(t testing.TB) int64 {
	t.Helper()
	const base = "/apis/metrics.k8s.io/v1beta1"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"metrics.k8s.io/v1beta1","resources":[`+
			`{"name":"nodes","singularName":"","namespaced":false,"kind":"NodeMetrics","verbs":["get","list"]},`+
			`{"name":"pods","singularName":"","namespaced":true,"kind":"PodMetrics","verbs":["get","list"]}]}`)
	})
	mux.HandleFunc("GET "+base+"/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[]}`)
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatalf("reading the address of the metrics: %v", err)
	}
	port, err := strconv.ParseInt(at.Port(), 10, 64)
	if err != nil {
		t.Fatalf("reading the port of the metrics: %v", err)
	}
	return port
}

// metrics points the API server to the simulated metrics instead of the pods of an
// installed metrics-server. An API that cannot be reached would block the deletion
// of every namespace.
func (n *Nodes) metrics(ctx context.Context) error {
	if n.DeadAPIs {
		return nil
	}
	return n.patchEach(ctx, kube.APIServices, func(o *unstructured.Unstructured) (map[string]any, string) {
		name, _, _ := unstructured.NestedString(o.Object, "spec", "service", "name")
		if name == "" || name == metricsName {
			return nil, ""
		}
		return map[string]any{"spec": map[string]any{
			"service":               map[string]any{"namespace": metav1.NamespaceSystem, "name": metricsName, "port": n.metricsPort},
			"insecureSkipTLSVerify": true, "caBundle": nil,
		}}, ""
	})
}

// addMetrics creates the Service that points to the metrics.
func (n *Nodes) addMetrics(ctx context.Context) error {
	_, err := n.client.Resource(kube.Services).Namespace(metav1.NamespaceSystem).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Service",
		"metadata": map[string]any{"name": metricsName},
		"spec": map[string]any{
			"type": "ExternalName", "externalName": "localhost",
			"ports": []any{map[string]any{"port": n.metricsPort}},
		},
	}}, metav1.CreateOptions{})
	return err
}
