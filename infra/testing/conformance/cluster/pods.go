package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/kube"
)

// pod is the part of a pod that the checks use.
type pod struct {
	name  string
	node  string
	image string // digest of the image that the pod was told to run
	ready bool
	// terminating reports whether the pod was told to end.
	terminating bool
	// restarts is the number of restarts of the pod's container.
	restarts int
	// notReadyReason is the reason why the pod is not ready. It is "" during a normal
	// start.
	notReadyReason string
}

// workers returns the service's pods, oldest first.
func (c *client) workers(ctx context.Context, labels string) ([]pod, error) {
	items, err := c.list(ctx, kube.Pods, labels)
	if err != nil {
		return nil, err
	}
	byAge(items)
	all := make([]pod, 0, len(items))
	for i := range items {
		all = append(all, podOf(&items[i]))
	}
	return all, nil
}

func podOf(o *unstructured.Unstructured) pod {
	p := pod{name: o.GetName(), terminating: o.GetDeletionTimestamp() != nil}
	p.node, _, _ = unstructured.NestedString(o.Object, "spec", "nodeName")
	containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "containers")
	if len(containers) > 0 {
		first, _ := containers[0].(map[string]any)
		p.image, _, _ = unstructured.NestedString(first, "image")
	}
	for _, condition := range slice(o.Object, "status", "conditions") {
		kind, _, _ := unstructured.NestedString(condition, "type")
		status, _, _ := unstructured.NestedString(condition, "status")
		reason, _, _ := unstructured.NestedString(condition, "reason")
		switch {
		case kind == "Ready":
			p.ready = status == "True"
		case kind == "PodScheduled" && status == "False":
			message, _, _ := unstructured.NestedString(condition, "message")
			p.notReadyReason = reason + ": " + message
		}
	}
	for _, container := range slice(o.Object, "status", "containerStatuses") {
		restarts, _, _ := unstructured.NestedInt64(container, "restartCount")
		p.restarts += int(restarts)
		reason, _, _ := unstructured.NestedString(container, "state", "waiting", "reason")
		message, _, _ := unstructured.NestedString(container, "state", "waiting", "message")
		if reason != "" && reason != "ContainerCreating" && reason != "PodInitializing" {
			p.notReadyReason = reason + ": " + message
		}
	}
	return p
}

// slice returns the objects of a list at a path in an object.
func slice(o map[string]any, path ...string) []map[string]any {
	list, _, _ := unstructured.NestedSlice(o, path...)
	var all []map[string]any
	for _, one := range list {
		if m, ok := one.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

// serving returns the pods that are ready and not about to end.
func serving(all []pod) []pod {
	return slices.DeleteFunc(slices.Clone(all), func(p pod) bool { return !p.ready || p.terminating })
}

// described lists pods with their problems.
func described(all []pod) string {
	var parts []string
	for _, p := range all {
		if p.notReadyReason != "" {
			parts = append(parts, fmt.Sprintf("pod %s: %s", p.name, p.notReadyReason))
		}
	}
	return strings.Join(parts, "; ")
}
