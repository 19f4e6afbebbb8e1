package kubeapply

import (
	"encoding/base64"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// keptInputs returns the inputs with the live values: the structure of the
// inputs, filled with the values in the cluster. Fields that others added are
// omitted; values that others changed are included.
func keptInputs(live *unstructured.Unstructured, inputs resource.PropertyMap) resource.PropertyMap {
	fields := live.DeepCopy().Object
	if live.GetKind() == "Secret" {
		fields["stringData"] = decoded(fields["data"])
	}
	return kept(fields, resource.NewObjectProperty(inputs)).ObjectValue()
}

// decoded returns a Secret's data as text: the server always returns base64.
func decoded(data any) map[string]any {
	texts := map[string]any{}
	encoded, _ := data.(map[string]any)
	for key, value := range encoded {
		s, _ := value.(string)
		if b, err := base64.StdEncoding.DecodeString(s); err == nil {
			texts[key] = string(b)
		}
	}
	return texts
}

func kept(live any, inputs resource.PropertyValue) resource.PropertyValue {
	switch {
	case inputs.IsSecret():
		return resource.MakeSecret(kept(live, inputs.SecretValue().Element))
	case inputs.IsOutput() && inputs.OutputValue().Known:
		value := kept(live, inputs.OutputValue().Element)
		if inputs.OutputValue().Secret {
			value = resource.MakeSecret(value)
		}
		return value
	case inputs.IsObject():
		fields, ok := live.(map[string]any)
		if !ok {
			break
		}
		out := resource.PropertyMap{}
		for key, in := range inputs.ObjectValue() {
			if value, there := fields[string(key)]; there {
				out[key] = kept(value, in)
			}
		}
		return resource.NewObjectProperty(out)
	case inputs.IsArray():
		items, ok := live.([]any)
		if !ok || len(items) != len(inputs.ArrayValue()) {
			break
		}
		out := make([]resource.PropertyValue, len(items))
		for i, in := range inputs.ArrayValue() {
			out[i] = kept(items[i], in)
		}
		return resource.NewArrayProperty(out)
	}
	return resource.NewPropertyValue(live)
}
