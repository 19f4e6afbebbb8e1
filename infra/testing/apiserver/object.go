package apiserver

import (
	"maps"
	"testing"
	"time"
)

// Object returns the description of an object. namespace is "" for kinds that
// have none. more holds its other fields, such as spec.
func Object(apiVersion, kind, namespace, name string, more map[string]any) map[string]any {
	metadata := map[string]any{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	o := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}
	maps.Copy(o, more)
	return o
}

// MakeNamespace creates a namespace and waits for its default service account,
// without which the server refuses pods.
func (o *Objects) MakeNamespace(t testing.TB, name string) {
	t.Helper()
	if _, err := o.Apply(t.Context(), Object("v1", "Namespace", "", name, nil)); err != nil {
		t.Fatal(err)
	}
	account := Object("v1", "ServiceAccount", name, "default", nil)
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, err := o.Get(t.Context(), account); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatalf("the controllers make no default service account in namespace %s: %v", name, err)
		}
	}
}
