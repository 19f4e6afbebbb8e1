package nodes

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/kube"
)

// claims binds each claim to a volume, and removes the finalizers of a deleted
// claim, as the volume controllers do.
func (n *Nodes) claims(ctx context.Context) error {
	return n.patchEach(ctx, kube.VolumeClaims, func(o *unstructured.Unstructured) (map[string]any, string) {
		if o.GetDeletionTimestamp() != nil {
			return map[string]any{"metadata": map[string]any{"finalizers": nil}}, ""
		}
		if phase, _, _ := unstructured.NestedString(o.Object, "status", "phase"); phase == "Bound" {
			return nil, ""
		}
		return map[string]any{"status": map[string]any{"phase": "Bound"}}, "status"
	})
}
