//go:build linux

package kubelet

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/kube"
)

// event records an event of a pod. It ignores errors, as a kubelet does.
func (k *Kubelet) event(ctx context.Context, p kube.Pod, kind, reason, message string) {
	now := time.Now().UTC().Format(time.RFC3339)
	_, _ = k.options.Client.Resource(kube.Events).Namespace(p.Namespace).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Event",
		"metadata":       map[string]any{"generateName": p.Name + ".", "namespace": p.Namespace},
		"involvedObject": map[string]any{"apiVersion": "v1", "kind": "Pod", "namespace": p.Namespace, "name": p.Name, "uid": string(p.UID)},
		"type":           kind, "reason": reason, "message": message, "count": int64(1),
		"firstTimestamp": now, "lastTimestamp": now, "source": map[string]any{"component": "kubelet", "host": p.Spec.NodeName},
		"reportingComponent": "kubelet", "reportingInstance": p.Spec.NodeName,
	}}, metav1.CreateOptions{})
}
