package offline

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Filled is a provider whose previews return made-up values instead of unknown
// ones, as with Provider.FillOutputs.
type Filled struct {
	pulumirpc.ResourceProviderServer

	made   map[string]map[string]string
	once   sync.Once
	schema providerSchema
	failed error
}

// providerSchema is the part of a provider's schema with the types of
// properties.
type providerSchema struct {
	Resources map[string]struct {
		Properties map[string]struct {
			Type string `json:"type"`
		} `json:"properties"`
	} `json:"resources"`
}

// FillUnknown returns the provider with made-up values in place of those that it
// does not know in a preview.
func FillUnknown(provider pulumirpc.ResourceProviderServer) *Filled {
	return &Filled{ResourceProviderServer: provider}
}

// With sets the made-up value of a type's property, for a program that checks the
// value's form. It must be called before the engine uses the provider. It returns
// the provider.
func (f *Filled) With(kind, property, value string) *Filled {
	if f.made == nil {
		f.made = map[string]map[string]string{}
	}
	if f.made[kind] == nil {
		f.made[kind] = map[string]string{}
	}
	f.made[kind][property] = value
	return f
}

// Create replaces the values that a preview does not know by made-up ones.
func (f *Filled) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	resp, err := f.ResourceProviderServer.Create(ctx, req)
	if err != nil || !req.GetPreview() {
		return resp, err
	}
	f.once.Do(func() { f.failed = f.read(ctx) })
	if f.failed != nil {
		return nil, f.failed
	}
	outputs, err := unmarshal(resp.GetProperties())
	if err != nil {
		return nil, err
	}
	id := Placeholder + "-" + req.GetName()
	types := f.schema.Resources[req.GetType()].Properties
	for key, value := range outputs {
		text, set := f.made[req.GetType()][string(key)]
		if !set {
			text = id + "-" + string(key)
		}
		outputs[key] = fillUnknown(value, types[string(key)].Type, text)
	}
	props, err := marshal(outputs)
	return &pulumirpc.CreateResponse{Id: id, Properties: props}, err
}

func (f *Filled) read(ctx context.Context) error {
	resp, err := f.GetSchema(ctx, &pulumirpc.GetSchemaRequest{})
	if err != nil {
		return fmt.Errorf("asking a provider for its schema: %w", err)
	}
	if err := json.Unmarshal([]byte(resp.GetSchema()), &f.schema); err != nil {
		return fmt.Errorf("reading a provider's schema: %w", err)
	}
	return nil
}

// fillUnknown returns a made-up value in place of an unknown one.
func fillUnknown(v resource.PropertyValue, kind, text string) resource.PropertyValue {
	switch {
	case v.IsSecret():
		return resource.MakeSecret(fillUnknown(v.SecretValue().Element, kind, text))
	case !unknown(v):
		return v
	}
	switch kind {
	case "boolean":
		return resource.NewBoolProperty(false)
	case "integer", "number":
		return resource.NewNumberProperty(1)
	case "array":
		return resource.NewArrayProperty(nil)
	case "object":
		return resource.NewObjectProperty(resource.PropertyMap{})
	default:
		return resource.NewStringProperty(text)
	}
}
