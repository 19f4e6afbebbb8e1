package manifests

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"escala/infra/engine/offline"
)

func meta(object map[string]any) map[string]any {
	m, _ := object["metadata"].(map[string]any)
	return m
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// copyValue copies a value. Whole numbers become int64, null values are left out.
func copyValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, one := range v {
			if one != nil {
				out[key] = copyValue(one)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = copyValue(one)
		}
		return out
	case float64:
		if v == math.Trunc(v) {
			return int64(v)
		}
	case int:
		return int64(v)
	}
	return value
}

// strip removes the annotations for Pulumi.
func strip(object map[string]any) {
	annotations, _ := meta(object)["annotations"].(map[string]any)
	maps.DeleteFunc(annotations, func(key string, _ any) bool { return strings.HasPrefix(key, "pulumi.com/") })
	if len(annotations) == 0 {
		delete(meta(object), "annotations")
	}
}

// rename replaces old names by new names anywhere in an object.
func rename(value any, renamed map[string]string) any {
	switch v := value.(type) {
	case map[string]any:
		for key, one := range v {
			v[key] = rename(one, renamed)
		}
	case []any:
		for i, one := range v {
			v[i] = rename(one, renamed)
		}
	case string:
		if other, ok := renamed[v]; ok {
			return other
		}
	}
	return value
}

// placeholders returns the paths of texts that the preview filled in.
func placeholders(path string, value any) []string {
	var found []string
	switch v := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			found = append(found, placeholders(path+"."+key, v[key])...)
		}
	case []any:
		for i, one := range v {
			found = append(found, placeholders(fmt.Sprintf("%s[%d]", path, i), one)...)
		}
	case string:
		if strings.Contains(v, offline.Placeholder) {
			found = append(found, strings.TrimPrefix(path, "."))
		}
	}
	return found
}
