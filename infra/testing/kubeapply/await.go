package kubeapply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// look is the time between two reads of an object during a wait.
const look = 250 * time.Millisecond

// awaited reports whether the provider waits for an object. An annotation of
// the object can turn this off.
func awaited(o *unstructured.Unstructured) bool {
	return o.GetAnnotations()["pulumi.com/skipAwait"] != "true"
}

// awaitReady waits until an object is ready, and returns its last state.
func (c *cluster) awaitReady(ctx context.Context, o *unstructured.Unstructured, within time.Duration) (*unstructured.Unstructured, error) {
	if !awaited(o) {
		return o, nil
	}
	deadline, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		missing, err := c.missing(deadline, o)
		if err == nil && missing == "" {
			return o, nil
		}
		select {
		case <-ctx.Done():
			return o, ctx.Err()
		case <-deadline.Done():
			return o, fmt.Errorf("it is not ready after %s: %s", within, missing)
		case <-time.After(look):
		}
		switch live, getErr := c.get(deadline, o); {
		case getErr == nil:
			o = live
		case apierrors.IsNotFound(getErr):
			return o, errors.New("it vanished while it was waited for")
		}
		if err != nil && deadline.Err() == nil && !retriable(err) {
			return o, err
		}
	}
}

// awaitGone waits until an object no longer exists.
func (c *cluster) awaitGone(ctx context.Context, o *unstructured.Unstructured, within time.Duration) error {
	deadline, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		live, err := c.get(deadline, o)
		if apierrors.IsNotFound(err) {
			return nil
		}
		// A new object with the same name is not the deleted one.
		if err == nil && o.GetUID() != "" && live.GetUID() != o.GetUID() {
			return nil
		}
		if err != nil && deadline.Err() == nil && !retriable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.Done():
			return fmt.Errorf("it is still there after %s", within)
		case <-time.After(look):
		}
	}
}

// retriable reports whether an error comes from a busy server.
func retriable(err error) bool {
	return apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err)
}

// missing returns why an object is not ready by pulumi-kubernetes' criteria, or
// "". Objects of other kinds only need to exist.
func (c *cluster) missing(ctx context.Context, o *unstructured.Unstructured) (string, error) {
	switch o.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Group: "apps", Kind: "Deployment"}:
		return deploymentMissing(o), nil
	case schema.GroupKind{Group: "apps", Kind: "StatefulSet"}:
		return statefulSetMissing(o), nil
	case schema.GroupKind{Kind: "Service"}:
		return c.serviceMissing(ctx, o)
	case schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}:
		if len(addresses(o)) == 0 {
			return "no ingress controller has given it an address", nil
		}
	}
	return "", nil
}

func deploymentMissing(o *unstructured.Unstructured) string {
	want := number(o, 1, "spec", "replicas")
	updated := number(o, 0, "status", "updatedReplicas")
	switch {
	case number(o, 0, "status", "observedGeneration") < o.GetGeneration():
		return "the controller has not seen it yet"
	case updated < want:
		return fmt.Sprintf("%d of %d pods are of the new kind", updated, want) + conditions(o)
	case number(o, 0, "status", "replicas") > updated:
		return "old pods are still there"
	case number(o, 0, "status", "availableReplicas") < updated:
		return fmt.Sprintf("%d of %d pods are available", number(o, 0, "status", "availableReplicas"), want) + conditions(o)
	}
	return ""
}

func statefulSetMissing(o *unstructured.Unstructured) string {
	want := number(o, 1, "spec", "replicas")
	ready := number(o, 0, "status", "readyReplicas")
	current, _, _ := unstructured.NestedString(o.Object, "status", "currentRevision")
	update, _, _ := unstructured.NestedString(o.Object, "status", "updateRevision")
	switch {
	case number(o, 0, "status", "observedGeneration") < o.GetGeneration():
		return "the controller has not seen it yet"
	case ready < want:
		return fmt.Sprintf("%d of %d pods are ready", ready, want)
	case current != update:
		return "old pods are still there"
	}
	return ""
}

// serviceMissing returns why a Service is not ready. A Service with a selector
// needs a ready pod, and an external one needs an address.
func (c *cluster) serviceMissing(ctx context.Context, o *unstructured.Unstructured) (string, error) {
	kind, _, _ := unstructured.NestedString(o.Object, "spec", "type")
	ip, _, _ := unstructured.NestedString(o.Object, "spec", "clusterIP")
	selector, _, _ := unstructured.NestedStringMap(o.Object, "spec", "selector")
	if kind == "LoadBalancer" && len(addresses(o)) == 0 {
		return "it has no address yet", nil
	}
	if kind == "ExternalName" || ip == "None" || len(selector) == 0 {
		return "", nil
	}
	slices := c.dynamic.Resource(schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"})
	list, err := slices.Namespace(o.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + o.GetName()})
	if err != nil {
		return "", fmt.Errorf("looking for the pods behind it: %w", err)
	}
	for _, slice := range list.Items {
		endpoints, _, _ := unstructured.NestedSlice(slice.Object, "endpoints")
		for _, e := range endpoints {
			endpoint, _ := e.(map[string]any)
			if ready, _, _ := unstructured.NestedBool(endpoint, "conditions", "ready"); ready {
				return "", nil
			}
		}
	}
	return "no pod behind it is ready", nil
}

func addresses(o *unstructured.Unstructured) []any {
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "loadBalancer", "ingress")
	return list
}

func number(o *unstructured.Unstructured, otherwise int64, path ...string) int64 {
	if n, there, err := unstructured.NestedInt64(o.Object, path...); there && err == nil {
		return n
	}
	return otherwise
}

// conditions returns the failures in a controller's conditions.
func conditions(o *unstructured.Unstructured) string {
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	var said strings.Builder
	for _, one := range list {
		condition, _ := one.(map[string]any)
		status, _, _ := unstructured.NestedString(condition, "status")
		kind, _, _ := unstructured.NestedString(condition, "type")
		if (kind == "ReplicaFailure") == (status == "True") {
			message, _, _ := unstructured.NestedString(condition, "message")
			said.WriteString("; " + message)
		}
	}
	return said.String()
}
