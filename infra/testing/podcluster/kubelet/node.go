//go:build linux

package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"escala/infra/testing/kube"
)

// register creates a node that is ready. It sends no heartbeats, because the node
// controllers do not run.
func (k *Kubelet) register(ctx context.Context, name string) error {
	nodes := k.options.Client.Resource(kube.Nodes)
	_, err := nodes.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{"name": name, "labels": map[string]any{
			"kubernetes.io/hostname": name, "kubernetes.io/os": runtime.GOOS, "kubernetes.io/arch": runtime.GOARCH,
		}},
	}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("registering node %s: %w", name, err)
	}
	// The API server taints new nodes. Here no controller removes the taint from
	// nodes that are ready.
	if _, err := nodes.Patch(ctx, name, types.MergePatchType, []byte(`{"spec":{"taints":null}}`), metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("registering node %s: %w", name, err)
	}
	resources := map[string]any{"cpu": "8", "memory": "16Gi", "pods": "110"}
	now := time.Now().UTC().Format(time.RFC3339)
	status, err := json.Marshal(map[string]any{"status": map[string]any{
		"capacity": resources, "allocatable": resources,
		"addresses":       []any{map[string]any{"type": "InternalIP", "address": k.options.Address.String()}},
		"daemonEndpoints": map[string]any{"kubeletEndpoint": map[string]any{"Port": kubeletPort}},
		"conditions": []any{map[string]any{
			"type": "Ready", "status": "True", "reason": "KubeletReady",
			"lastHeartbeatTime": now, "lastTransitionTime": now,
		}},
		"nodeInfo": map[string]any{
			"architecture": runtime.GOARCH, "operatingSystem": runtime.GOOS, "kubeletVersion": "v1.33.0-played",
			"bootID": "", "containerRuntimeVersion": "", "kernelVersion": "", "kubeProxyVersion": "", "machineID": "", "osImage": "", "systemUUID": "",
		},
	}})
	if err != nil {
		return err
	}
	if _, err := nodes.Patch(ctx, name, types.MergePatchType, status, metav1.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("registering node %s: %w", name, err)
	}
	return nil
}
