package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"escala/infra/testing/kube"
)

// client calls the API server for operations that an operator would do with
// kubectl. Updates of the stack go through the engine instead.
type client struct {
	dynamic   dynamic.Interface
	namespace string
}

func newClient(kubeconfig, kubecontext, namespace string) (*client, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig},
		&clientcmd.ConfigOverrides{CurrentContext: kubecontext}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 50, 100
	d, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of the cluster: %w", err)
	}
	return &client{dynamic: d, namespace: namespace}, nil
}

// get returns one of the service's objects. All of them have the service's
// name.
func (c *client) get(ctx context.Context, kind schema.GroupVersionResource) (*unstructured.Unstructured, error) {
	o, err := c.dynamic.Resource(kind).Namespace(c.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", kind.Resource, name, err)
	}
	return o, nil
}

// list returns the namespace's objects with the given labels.
func (c *client) list(ctx context.Context, kind schema.GroupVersionResource, labels string) ([]unstructured.Unstructured, error) {
	l, err := c.dynamic.Resource(kind).Namespace(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: labels})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", kind.Resource, err)
	}
	return l.Items, nil
}

// patch changes the service's Deployment as kubectl patch does.
func (c *client) patch(ctx context.Context, change any) error {
	return c.patchDeployment(ctx, name, change)
}

func (c *client) patchDeployment(ctx context.Context, name string, change any) error {
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("writing the change of %s: %w", name, err)
	}
	if _, err := c.dynamic.Resource(kube.Deployments).Namespace(c.namespace).Patch(ctx, name, types.StrategicMergePatchType, body, metav1.PatchOptions{FieldManager: "kubectl-patch"}); err != nil {
		return fmt.Errorf("changing deployment %s: %w", name, err)
	}
	return nil
}

// kill deletes a pod with a grace of one second, as kubectl delete --grace-period=1
// does. A pod that is deleted with a grace of zero is gone from the API at once,
// and some releases of Kubernetes then give its containers the whole grace of the
// pod's description (kubernetes#115819).
func (c *client) kill(ctx context.Context, pod string) error {
	grace := int64(1)
	err := c.dynamic.Resource(kube.Pods).Namespace(c.namespace).Delete(ctx, pod, metav1.DeleteOptions{GracePeriodSeconds: &grace})
	if err != nil {
		return fmt.Errorf("killing pod %s: %w", pod, err)
	}
	return nil
}

// evict asks for the eviction of a pod, as kubectl drain does. If the
// disruption budget does not allow it, refused is the budget's reason.
func (c *client) evict(ctx context.Context, pod string) (refused string, err error) {
	eviction := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "policy/v1", "kind": "Eviction",
		"metadata": map[string]any{"name": pod, "namespace": c.namespace},
	}}
	_, err = c.dynamic.Resource(kube.Pods).Namespace(c.namespace).Create(ctx, eviction, metav1.CreateOptions{}, "eviction")
	switch {
	case err == nil, apierrors.IsNotFound(err):
		return "", nil
	case apierrors.IsTooManyRequests(err):
		return err.Error(), nil
	default:
		return "", fmt.Errorf("evicting pod %s: %w", pod, err)
	}
}

// cordon sets whether the scheduler may use a node.
func (c *client) cordon(ctx context.Context, node string, closed bool) error {
	body, err := json.Marshal(map[string]any{"spec": map[string]any{"unschedulable": closed}})
	if err != nil {
		return fmt.Errorf("writing the change of %s: %w", node, err)
	}
	if _, err := c.dynamic.Resource(kube.Nodes).Patch(ctx, node, types.StrategicMergePatchType, body, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("cordoning %s: %w", node, err)
	}
	return nil
}

// architectures returns the processor architectures of the nodes.
func (c *client) architectures(ctx context.Context) (map[string]bool, error) {
	all, err := c.dynamic.Resource(kube.Nodes).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	there := map[string]bool{}
	for i := range all.Items {
		there[all.Items[i].GetLabels()["kubernetes.io/arch"]] = true
	}
	return there, nil
}

// number returns an integer at a path in an object, or 0 if it is missing.
func number(o *unstructured.Unstructured, path ...string) int {
	n, _, _ := unstructured.NestedInt64(o.Object, path...)
	return int(n)
}

// poll is the time between two queries of the cluster.
const poll = 200 * time.Millisecond

// await calls done until it returns "". Any other text names what is still
// missing.
func await(ctx context.Context, within time.Duration, done func() (string, error)) error {
	deadline, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		missing, err := done()
		switch {
		case err != nil:
			return err
		case missing == "":
			return nil
		}
		select {
		case <-deadline.Done():
			return fmt.Errorf("after %s: %s", within, missing)
		case <-time.After(poll):
		}
	}
}

// byAge sorts objects by age, oldest first.
func byAge(all []unstructured.Unstructured) {
	slices.SortFunc(all, func(a, b unstructured.Unstructured) int {
		return a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time)
	})
}
