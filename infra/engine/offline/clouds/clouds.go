// Package clouds describes the providers that escala's cloud stacks use, for
// package recording: the resource types with their SDK structs, and what the
// SDKs do not say (which properties replace a resource: "Forces new resource" in
// the providers' documentation).
package clouds

import (
	"errors"
	"fmt"
	"maps"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// text reads a text among a function's arguments.
func text(args resource.PropertyMap, key string) string {
	if v := args[resource.PropertyKey(key)]; v.IsString() {
		return v.StringValue()
	}
	return ""
}

// answer is a function that answers everybody alike.
func answer(values map[string]any) offline.Function {
	return func(resource.PropertyMap) (resource.PropertyMap, error) {
		return resource.NewPropertyMapFromMap(values), nil
	}
}

// errNotFound is what a cloud says to a name that it does not have.
func errNotFound(kind, name string) error {
	if name == "" {
		return errors.New("no name was given for the " + kind)
	}
	return fmt.Errorf("there is no %s %q", kind, name)
}

// both are the entries of two maps.
func both[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// recordedCA is what a recorded cluster has for a certificate: no certificate,
// but in base64.
const recordedCA = "cmVjb3JkZWQ="
