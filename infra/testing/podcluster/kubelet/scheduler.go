//go:build linux

package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"escala/infra/testing/kube"
)

// again is the time between two attempts to schedule a pod that no node accepts.
const again = time.Second

// schedule assigns a pod to the node with the fewest pods of its kind, as the
// workload's spread over nodes requires. Of the scheduler's rules it implements
// node selectors and cordoned nodes.
func (k *Kubelet) schedule(ctx context.Context, p kube.Pod) {
	told := ""
	for ctx.Err() == nil {
		node, reason := k.choose(p)
		if node != "" {
			_, err := k.options.Client.Resource(kube.Pods).Namespace(p.Namespace).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "v1", "kind": "Binding",
				"metadata": map[string]any{"name": p.Name, "namespace": p.Namespace, "uid": string(p.UID)},
				"target":   map[string]any{"apiVersion": "v1", "kind": "Node", "name": node},
			}}, metav1.CreateOptions{}, "binding")
			k.failed(err)
			return
		}
		if reason != told {
			told = reason
			k.failed(k.unschedulable(ctx, p, reason))
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
		k.mu.Lock()
		now, there := k.pods[p.UID]
		k.mu.Unlock()
		if !there || now.DeletionTimestamp != nil || now.Spec.NodeName != "" {
			return
		}
	}
}

// choose returns a node, or the reason why there is none.
func (k *Kubelet) choose(p kube.Pod) (node, reason string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now, there := k.pods[p.UID]; there && now.Spec.NodeName != "" {
		return "", ""
	}
	const hash = "pod-template-hash"
	alike, all := map[string]int{}, map[string]int{}
	for _, other := range k.pods {
		if other.Ended() {
			continue
		}
		all[other.Spec.NodeName]++
		if other.Namespace == p.Namespace && other.Labels[hash] == p.Labels[hash] {
			alike[other.Spec.NodeName]++
		}
	}
	closed, others := 0, 0
	var fit []string
	for name, n := range k.nodes {
		switch {
		case n.Spec.Unschedulable:
			closed++
		case !selects(p.Spec.NodeSelector, n.Labels):
			others++
		default:
			fit = append(fit, name)
		}
	}
	if len(fit) == 0 {
		reason = fmt.Sprintf("0/%d nodes are available: %d node(s) didn't match Pod's node affinity/selector, %d node(s) were unschedulable.", len(k.nodes), others, closed)
		return "", reason
	}
	slices.Sort(fit)
	node = slices.MinFunc(fit, func(a, b string) int {
		if alike[a] != alike[b] {
			return alike[a] - alike[b]
		}
		return all[a] - all[b]
	})
	// The next pod must count this one even before the API reports its node.
	p.Spec.NodeName = node
	k.pods[p.UID] = p
	return node, ""
}

func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

// unschedulable reports the reason why a pod has no node, as the scheduler does.
func (k *Kubelet) unschedulable(ctx context.Context, p kube.Pod, reason string) error {
	status, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
		"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": reason,
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
	}}}})
	if err != nil {
		return err
	}
	_, err = k.options.Client.Resource(kube.Pods).Namespace(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, status, metav1.PatchOptions{}, "status")
	if err == nil {
		k.event(ctx, p, "Warning", "FailedScheduling", reason)
	}
	return err
}
