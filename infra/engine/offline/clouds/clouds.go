// Package clouds describes the providers of escala's cloud stacks for package
// offline: the resource types with their SDK structs, and facts that the SDKs
// lack (which properties replace a resource: "Forces new resource" in the
// providers' documentation).
package clouds

import (
	"errors"
	"fmt"
	"maps"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// text returns a string argument of a function.
func text(args resource.PropertyMap, key string) string {
	if v := args[resource.PropertyKey(key)]; v.IsString() {
		return v.StringValue()
	}
	return ""
}

// answer returns a function with a constant answer.
func answer(values map[string]any) offline.Function {
	return func(resource.PropertyMap) (resource.PropertyMap, error) {
		return resource.NewPropertyMapFromMap(values), nil
	}
}

// errNotFound returns a cloud's error for an unknown name.
func errNotFound(kind, name string) error {
	if name == "" {
		return errors.New("no name was given for the " + kind)
	}
	return fmt.Errorf("there is no %s %q", kind, name)
}

// merge returns a map with the entries of two maps.
func merge[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// recordedCA is the CA certificate of an offline cluster: not a real
// certificate, but valid base64.
const recordedCA = "cmVjb3JkZWQ="
