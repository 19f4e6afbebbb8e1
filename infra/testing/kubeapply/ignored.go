package kubeapply

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ignore removes the ignored changes of the program from the object to apply. A
// field that another manager owns (the number of pods, by an autoscaler) is
// omitted, so that this manager keeps it. A field that no other manager owns
// keeps its live value. The paths name fields outside of lists.
func ignore(asked, live *unstructured.Unstructured, paths []string) error {
	for _, path := range paths {
		if strings.ContainsAny(path, "[]*\"") {
			return fmt.Errorf("ignoreChanges %s: the applying provider knows only fields that are in no list", path)
		}
		field := strings.Split(path, ".")
		ours, theirs, err := owners(live, field)
		if err != nil {
			return err
		}
		if theirs && !ours {
			unstructured.RemoveNestedField(asked.Object, field...)
			continue
		}
		if value, there, err := unstructured.NestedFieldCopy(live.Object, field...); err == nil && there {
			if err := unstructured.SetNestedField(asked.Object, value, field...); err != nil {
				return fmt.Errorf("keeping %s: %w", path, err)
			}
		}
	}
	return nil
}

// owners reports whether this provider applied a field, and whether another
// manager did.
func owners(live *unstructured.Unstructured, field []string) (ours, theirs bool, err error) {
	for _, entry := range live.GetManagedFields() {
		if entry.FieldsV1 == nil {
			continue
		}
		var fields any
		raw, err := json.Marshal(entry.FieldsV1)
		if err != nil {
			return false, false, fmt.Errorf("reading who manages %s: %w", describe(live), err)
		}
		if err := json.Unmarshal(raw, &fields); err != nil {
			return false, false, fmt.Errorf("reading who manages %s: %w", describe(live), err)
		}
		for _, name := range field {
			inner, _ := fields.(map[string]any)
			fields = inner["f:"+name]
		}
		switch {
		case fields == nil:
		case entry.Manager == manager:
			ours = true
		default:
			theirs = true
		}
	}
	return ours, theirs, nil
}
