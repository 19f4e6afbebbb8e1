package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"escala/infra/testing/kube"
)

// URL starts an ingress controller for a namespace and returns its address. The
// controller sends each request to the next ready pod until the test ends.
func (n *Nodes) URL(t testing.TB, namespace string) string {
	t.Helper()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n.mu.Lock()
		defer n.mu.Unlock()
		var releases []string
		for _, c := range n.running {
			if c.Namespace == namespace && c.Release != "" && !c.once {
				releases = append(releases, c.Release)
			}
		}
		if len(releases) == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		requests++
		w.Header().Set("X-Release", releases[requests%len(releases)])
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// address is the address of all Ingresses and load balancers. No host answers
// there.
const address = "192.0.2.10"

// ingresses gives each Ingress an address.
func (n *Nodes) ingresses(ctx context.Context) error {
	return n.giveAddresses(ctx, kube.Ingresses, func(*unstructured.Unstructured) bool { return true })
}

// loadBalancers gives each Service of type LoadBalancer an address.
func (n *Nodes) loadBalancers(ctx context.Context) error {
	return n.giveAddresses(ctx, kube.Services, func(o *unstructured.Unstructured) bool {
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "type")
		return kind == "LoadBalancer"
	})
}

func (n *Nodes) giveAddresses(ctx context.Context, kind schema.GroupVersionResource, wants func(*unstructured.Unstructured) bool) error {
	return n.patchEach(ctx, kind, func(o *unstructured.Unstructured) (map[string]any, string) {
		given, _, _ := unstructured.NestedSlice(o.Object, "status", "loadBalancer", "ingress")
		if len(given) > 0 || !wants(o) {
			return nil, ""
		}
		return map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": []any{map[string]any{"ip": address}}}}}, "status"
	})
}

// patchEach patches the objects of a kind for which change returns a patch, in a
// subresource if it is not "".
func (n *Nodes) patchEach(ctx context.Context, kind schema.GroupVersionResource, change func(*unstructured.Unstructured) (patch map[string]any, subresource string)) error {
	all, err := n.client.Resource(kind).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the %s: %w", kind.Resource, err)
	}
	for i := range all.Items {
		o := &all.Items[i]
		patch, subresource := change(o)
		if patch == nil {
			continue
		}
		body, err := json.Marshal(patch)
		if err != nil {
			return err
		}
		var below []string
		if subresource != "" {
			below = []string{subresource}
		}
		_, err = n.client.Resource(kind).Namespace(o.GetNamespace()).Patch(ctx, o.GetName(), types.MergePatchType, body, metav1.PatchOptions{}, below...)
		if err := ignoreRaces(err); err != nil {
			return fmt.Errorf("patching %s %s: %w", kind.Resource, o.GetName(), err)
		}
	}
	return nil
}
