package kubeapply

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Diff asks the server what the new inputs would change. The server knows
// defaults, other spellings of the same value, later changes by other managers
// and the fields that they own.
func (p *Provider) Diff(ctx context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	c, err := p.connected()
	if err != nil {
		return nil, err
	}
	olds, err := unmarshal(req.GetOldInputs())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	before, _ := object(olds)
	after, known := object(news)
	replaces := c.replacedBy(before, after)
	changes := topLevel(before.Object, after.Object)
	if known && len(replaces) == 0 {
		if changes, err = c.changes(ctx, after, req.GetIgnoreChanges()); err != nil {
			return nil, fmt.Errorf("comparing %s: %w", describe(after), err)
		}
	}
	resp := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}
	if len(changes) == 0 && known && len(replaces) == 0 {
		return resp, nil
	}
	resp.Changes = pulumirpc.DiffResponse_DIFF_SOME
	resp.Diffs = changes
	resp.Replaces = replaces
	// A replacement with the same name can be created only after the old object
	// is deleted.
	resp.DeleteBeforeReplace = len(replaces) > 0 && after.GetAnnotations()[autonamed] != "true" &&
		after.GetName() == before.GetName() && after.GetNamespace() == before.GetNamespace()
	return resp, nil
}

// changes returns the parts of an object that an apply would change.
func (c *cluster) changes(ctx context.Context, after *unstructured.Unstructured, ignored []string) ([]string, error) {
	live, err := c.get(ctx, after)
	if apierrors.IsNotFound(err) {
		// Only a refresh notices that an object vanished; an update reports it
		// as a change.
		return []string{"metadata"}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := ignore(after, live, ignored); err != nil {
		return nil, err
	}
	wanted, err := c.apply(ctx, after, true)
	if err != nil {
		return nil, err
	}
	return topLevel(comparable(live), comparable(wanted)), nil
}

// comparable returns an object without the fields that the server maintains.
func comparable(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	unstructured.RemoveNestedField(o.Object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	return o.Object
}

// topLevel returns the keys whose values differ, in order.
func topLevel(before, after map[string]any) []string {
	var keys []string
	for key, value := range after {
		if !reflect.DeepEqual(before[key], value) {
			keys = append(keys, key)
		}
	}
	for key := range before {
		if _, there := after[key]; !there {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
