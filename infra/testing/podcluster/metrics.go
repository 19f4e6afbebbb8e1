//go:build linux

package podcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/dynamic"

	"escala/infra/testing/kube"
	"escala/infra/testing/podcluster/kubelet"
)

// metrics simulates metrics-server: at regular intervals it reads the resources
// that the containers' processes have used, and answers with the difference between
// the last two readings.
type metrics struct {
	kubelet *kubelet.Kubelet

	mu              sync.Mutex
	before, now     map[string]kubelet.Usage
	beforeAt, nowAt time.Time
}

const (
	// resolution is the time between two readings (metrics-server's
	// --metric-resolution).
	resolution  = 15 * time.Second
	metricsAPI  = "/apis/metrics.k8s.io/v1beta1"
	metricsName = "metrics-server"
)

// start serves until ctx ends, and points the API server to itself.
func (m *metrics) start(ctx context.Context, client dynamic.Interface, group *errgroup.Group) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+metricsAPI, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1",
			"resources": []any{
				map[string]any{"name": "nodes", "singularName": "", "namespaced": false, "kind": "NodeMetrics", "verbs": []any{"get", "list"}},
				map[string]any{"name": "pods", "singularName": "", "namespaced": true, "kind": "PodMetrics", "verbs": []any{"get", "list"}},
			},
		})
	})
	mux.HandleFunc("GET "+metricsAPI+"/namespaces/{namespace}/pods", m.pods)
	mux.HandleFunc("GET "+metricsAPI+"/pods", m.pods)
	mux.HandleFunc("GET "+metricsAPI+"/nodes", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"kind": "NodeMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": map[string]any{}, "items": []any{}})
	})
	server := httptest.NewUnstartedServer(mux)
	server.StartTLS()
	group.Go(func() error {
		defer server.Close()
		for ctx.Err() == nil {
			m.read()
			select {
			case <-ctx.Done():
			case <-time.After(resolution):
			}
		}
		return nil
	})
	port := int64(server.Listener.Addr().(*net.TCPAddr).Port)
	if _, err := client.Resource(kube.Services).Namespace(metav1.NamespaceSystem).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": metricsName},
		"spec": map[string]any{"type": "ExternalName", "externalName": "localhost", "ports": []any{map[string]any{"port": port}}},
	}}, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("making the Service of the metrics: %w", err)
	}
	_, err := client.Resource(kube.APIServices).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": "v1beta1.metrics.k8s.io"},
		"spec": map[string]any{
			"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			"insecureSkipTLSVerify": true, "service": map[string]any{"namespace": metav1.NamespaceSystem, "name": metricsName, "port": port},
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("registering the metrics: %w", err)
	}
	return nil
}

// read reads the current usage.
func (m *metrics) read() {
	used := map[string]kubelet.Usage{}
	for _, u := range m.kubelet.Usage() {
		used[u.Namespace+"/"+u.Pod+"/"+u.Container] = u
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.before, m.beforeAt = m.now, m.nowAt
	m.now, m.nowAt = used, time.Now()
}

// pods answers with the usage of pods. It omits a container that was not there at
// both readings.
func (m *metrics) pods(w http.ResponseWriter, r *http.Request) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	window := m.nowAt.Sub(m.beforeAt)
	items := []any{}
	for key, now := range m.now {
		before, there := m.before[key]
		if !there || !before.Began.Equal(now.Began) || !selector.Matches(labels.Set(now.Labels)) {
			continue
		}
		if namespace := r.PathValue("namespace"); namespace != "" && namespace != now.Namespace {
			continue
		}
		cores := float64(now.CPU-before.CPU) / float64(window)
		items = append(items, map[string]any{
			"metadata":  map[string]any{"name": now.Pod, "namespace": now.Namespace, "labels": now.Labels},
			"timestamp": m.nowAt.UTC().Format(time.RFC3339), "window": window.Round(time.Millisecond).String(),
			"containers": []any{map[string]any{"name": now.Container, "usage": map[string]any{
				"cpu": fmt.Sprintf("%dn", int64(cores*1e9)), "memory": fmt.Sprintf("%dKi", now.Memory/1024),
			}}},
		})
	}
	answer(w, map[string]any{"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": map[string]any{}, "items": items})
}

func answer(w http.ResponseWriter, object any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(object); err != nil && !errors.Is(err, http.ErrHandlerTimeout) {
		return // the API server is gone
	}
}
