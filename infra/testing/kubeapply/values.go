package kubeapply

import (
	"fmt"
	"math"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// options preserves unknown values, secrets and resource references.
var options = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true}

func unmarshal(s *structpb.Struct) (resource.PropertyMap, error) {
	if s == nil {
		return resource.PropertyMap{}, nil
	}
	props, err := plugin.UnmarshalProperties(s, options)
	if err != nil {
		return nil, fmt.Errorf("reading properties: %w", err)
	}
	return props, nil
}

func marshal(props resource.PropertyMap) (*structpb.Struct, error) {
	s, err := plugin.MarshalProperties(props, options)
	if err != nil {
		return nil, fmt.Errorf("writing properties: %w", err)
	}
	return s, nil
}

// object converts properties to an object and reports whether all values are
// known. Unknown values are omitted.
func object(props resource.PropertyMap) (*unstructured.Unstructured, bool) {
	v, known := plain(resource.NewObjectProperty(props))
	return &unstructured.Unstructured{Object: v.(map[string]any)}, known
}

// plain converts a value for the API machinery: without secret markers and
// nulls, and with integers as such. known reports whether the value contains no
// unknown.
func plain(v resource.PropertyValue) (value any, known bool) {
	known = true
	switch {
	case v.IsSecret():
		return plain(v.SecretValue().Element)
	case v.IsOutput():
		if !v.OutputValue().Known {
			return nil, false
		}
		return plain(v.OutputValue().Element)
	case v.IsComputed():
		return nil, false
	case v.IsNumber():
		if n := v.NumberValue(); n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int64(n), true
		}
		return v.NumberValue(), true
	case v.IsArray():
		items := make([]any, 0, len(v.ArrayValue()))
		for _, item := range v.ArrayValue() {
			one, k := plain(item)
			known = known && k
			items = append(items, one)
		}
		return items, known
	case v.IsObject():
		fields := map[string]any{}
		for key, field := range v.ObjectValue() {
			one, k := plain(field)
			known = known && k
			if one != nil {
				fields[string(key)] = one
			}
		}
		return fields, known
	case v.IsString(), v.IsBool():
		return v.V, true
	default:
		return nil, true
	}
}

// state converts an object to Pulumi properties. Values are secret if the
// corresponding inputs are, and so is all data of a Secret.
func state(o *unstructured.Unstructured, inputs resource.PropertyMap) resource.PropertyMap {
	live := o.DeepCopy()
	// managedFields is as long as the object itself and changes with it.
	unstructured.RemoveNestedField(live.Object, "metadata", "managedFields")
	props := resource.NewPropertyMapFromMap(live.Object)
	hide(props, inputs)
	if o.GetKind() == "Secret" {
		for _, key := range []resource.PropertyKey{"data", "stringData"} {
			if v, there := props[key]; there && !v.IsSecret() {
				props[key] = resource.MakeSecret(v)
			}
		}
	}
	return props
}

// hide marks the values in props as secret that are secret in inputs.
func hide(props, inputs resource.PropertyMap) {
	for key, in := range inputs {
		out, there := props[key]
		if !there {
			continue
		}
		for in.IsOutput() && !in.OutputValue().Secret && in.OutputValue().Known {
			in = in.OutputValue().Element
		}
		switch {
		case in.IsSecret(), in.IsOutput() && in.OutputValue().Secret:
			props[key] = resource.MakeSecret(out)
		case in.IsObject() && out.IsObject():
			hide(out.ObjectValue(), in.ObjectValue())
		case in.IsArray() && in.ContainsSecrets():
			props[key] = resource.MakeSecret(out)
		}
	}
}
