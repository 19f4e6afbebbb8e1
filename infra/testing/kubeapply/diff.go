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

// Diff asks the server what applying the new inputs would change: it knows
// defaults, other spellings of the same value, what others have changed since
// and what they own.
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
	// One that keeps its name must go before the other can come.
	resp.DeleteBeforeReplace = len(replaces) > 0 && after.GetAnnotations()[autonamed] != "true" &&
		after.GetName() == before.GetName() && after.GetNamespace() == before.GetNamespace()
	return resp, nil
}

// changes are the parts of an object that applying it would change.
func (c *cluster) changes(ctx context.Context, after *unstructured.Unstructured, ignored []string) ([]string, error) {
	live, err := c.get(ctx, after)
	if apierrors.IsNotFound(err) {
		// Only refreshing finds out what vanished; an update says that it did.
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

// comparable is an object without what the server keeps about it.
func comparable(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	unstructured.RemoveNestedField(o.Object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	return o.Object
}

// topLevel are the keys whose values differ, in order.
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
