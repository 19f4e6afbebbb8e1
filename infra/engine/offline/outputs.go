package offline

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// outputTypes returns the properties of an SDK's resource (ec2.Instance) with
// the types of their values.
func outputTypes(state any) map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for name, field := range fields(indirect(reflect.TypeOf(state))) {
		if output, ok := reflect.Zero(field.Type).Interface().(pulumi.Output); ok {
			types[name] = output.ElementType()
		}
	}
	return types
}

func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// previewOutputs returns a resource's properties before it exists: inputs are known, and
// values that the cloud sets are unknown.
func previewOutputs(state any, inputs resource.PropertyMap) resource.PropertyMap {
	outputs := inputs.Copy()
	for name := range outputTypes(state) {
		if key := resource.PropertyKey(name); !outputs.HasValue(key) {
			outputs[key] = resource.MakeComputed(resource.NewStringProperty(""))
		}
	}
	return outputs
}

// createdOutputs returns a resource's properties once it exists. Values that the
// cloud sets are recognisable and differ for each resource.
func createdOutputs(state any, inputs resource.PropertyMap, id string, n int) resource.PropertyMap {
	outputs := inputs.Copy()
	for name, t := range outputTypes(state) {
		key := resource.PropertyKey(name)
		if outputs.HasValue(key) {
			continue
		}
		switch t.Kind() {
		case reflect.String:
			outputs[key] = resource.NewStringProperty(id + "-" + name)
		case reflect.Int, reflect.Float64:
			outputs[key] = resource.NewNumberProperty(float64(n))
		case reflect.Bool:
			outputs[key] = resource.NewBoolProperty(false)
		case reflect.Slice:
			outputs[key] = resource.NewArrayProperty(nil)
		case reflect.Map:
			outputs[key] = resource.NewObjectProperty(resource.PropertyMap{})
		default:
			// An optional value without an input stays unset.
		}
	}
	return outputs
}
