package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/resource/stack"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
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
	URN, Type, Name, ID string
	// Inputs and Outputs are the resource's, in clear text.
	Inputs, Outputs map[string]any
	// Provider is the name of the resource's provider resource. Component means that
	// the resource only groups others.
	Provider  string
	Component bool
	// Replaced means that a newer resource has replaced this one, which is not
	// deleted yet.
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
		resources = append(resources, Resource{
			URN: string(r.URN), Type: string(r.Type), Name: r.URN.Name(), ID: string(r.ID),
			Inputs: reveal(resource.NewProperty(r.Inputs)).ObjectValue().Mappable(), Outputs: reveal(resource.NewProperty(r.Outputs)).ObjectValue().Mappable(),
			Provider: ProviderName(r.Provider), Component: !r.Custom, Replaced: r.Delete,
		})
	}
	return resources, nil
}

// Config returns a value of the stack's configuration, decrypted, and whether it
// is set. Objects and lists are in JSON. The key has its namespace.
func (s *Stack) Config(ctx context.Context, key string) (value string, set bool, err error) {
	parsed, err := config.ParseKey(key)
	if err != nil {
		return "", false, fmt.Errorf("configuration key %q: %w", key, err)
	}
	found, set, err := s.config.Get(parsed, false)
	if err != nil || !set {
		return "", false, err
	}
	var decrypter config.Decrypter = config.NewPanicCrypter()
	if found.Secure() {
		if decrypter, err = s.secrets.decrypter(); err != nil {
			return "", false, err
		}
	}
	value, err = found.Value(decrypter)
	if err != nil {
		return "", false, fmt.Errorf("reading the configuration key %s: %w", key, err)
	}
	return value, true, nil
}

// Sealed returns the state as `pulumi stack export` prints it, with its secrets
// encrypted, or nil without state. It needs no key.
func (s *Stack) Sealed() ([]byte, error) {
	read, err := s.store.read()
	if err != nil || read == nil || read.CheckpointV3 == nil || read.Latest == nil {
		return nil, err
	}
	text, err := json.Marshal(map[string]any{"deployment": read.Latest})
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	return text, nil
}

// Keys returns the configuration keys that are set, with their namespaces.
func (s *Stack) Keys() []string { return s.keys() }

// Secure reports whether the value of a configuration key, or a part of it, is
// encrypted.
func (s *Stack) Secure(key string) bool {
	parsed, err := config.ParseKey(key)
	return err == nil && s.config[parsed].Secure()
}

// ProviderName returns the name of a provider resource in a reference to it, which is
// its URN and its id: "urn:…::aws::id".
func ProviderName(reference string) string {
	parts := strings.Split(reference, "::")
	if len(parts) < 2 {
		return ""
	}
	return parts[len(parts)-2]
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
