package engine

import (
	"context"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/resource/stack"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Output is one of a stack's outputs.
type Output struct {
	// Value is a string, float64, bool, []any, map[string]any or nil, in clear
	// text.
	Value any
	// Secret reports whether the value, or a part of it, is secret.
	Secret bool
}

// Outputs reads the outputs from the stack's state. A stack without state has
// none.
func (s *Stack) Outputs(ctx context.Context) (map[string]Output, error) {
	snapshot, err := s.store.load(ctx, s.secrets)
	if err != nil {
		return nil, err
	}
	return outputsOf(snapshot)
}

// Resource is a resource in a stack's state.
type Resource struct {
	URN, Type, ID string
	// Replaced reports that a newer resource has replaced this one, which is
	// not deleted yet.
	Replaced bool
}

// Resources reads the resources from the stack's state.
func (s *Stack) Resources(ctx context.Context) ([]Resource, error) {
	snapshot, err := s.store.load(ctx, s.secrets)
	if err != nil || snapshot == nil {
		return nil, err
	}
	resources := make([]Resource, 0, len(snapshot.Resources))
	for _, r := range snapshot.Resources {
		resources = append(resources, Resource{URN: string(r.URN), Type: string(r.Type), ID: string(r.ID), Replaced: r.Delete})
	}
	return resources, nil
}

func outputsOf(snapshot *deploy.Snapshot) (map[string]Output, error) {
	root, err := stack.GetRootStackResource(snapshot)
	if err != nil || root == nil {
		return nil, err
	}
	outputs := make(map[string]Output, len(root.Outputs))
	for key, value := range root.Outputs {
		if resource.IsInternalPropertyKey(key) || strings.HasPrefix(string(key), "__") {
			continue
		}
		outputs[string(key)] = Output{Value: reveal(value).Mappable(), Secret: value.ContainsSecrets()}
	}
	return outputs, nil
}

// reveal removes the secret and output wrappers at every level.
func reveal(v resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsSecret():
		return reveal(v.SecretValue().Element)
	case v.IsOutput():
		return reveal(v.OutputValue().Element)
	case v.IsArray():
		elements := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, element := range v.ArrayValue() {
			elements[i] = reveal(element)
		}
		return resource.NewProperty(elements)
	case v.IsObject():
		object := make(resource.PropertyMap, len(v.ObjectValue()))
		for key, element := range v.ObjectValue() {
			object[key] = reveal(element)
		}
		return resource.NewProperty(object)
	default:
		return v
	}
}
