package check

import (
	"maps"
	"slices"

	"escala/infra/plan"
)

// Inputs are JSON-like values whose shape depends on the provider. These
// functions return a zero value if the shape is not the expected one; they
// never panic.

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// at returns the value at a path of keys, or nil.
func at(value any, path ...string) any {
	for _, key := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[key]
	}
	return value
}

func text(value any, path ...string) string {
	s, _ := at(value, path...).(string)
	return s
}

func truth(value any, path ...string) bool {
	b, _ := at(value, path...).(bool)
	return b
}

func number(value any, path ...string) (float64, bool) {
	n, ok := at(value, path...).(float64)
	return n, ok
}

func list(value any, path ...string) []any {
	items, _ := at(value, path...).([]any)
	return items
}

// words returns the texts of a list. A single text counts as a list of one.
func words(value any, path ...string) []string {
	switch v := at(value, path...).(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, one := range v {
			if s, ok := one.(string); ok {
				all = append(all, s)
			}
		}
		return all
	default:
		return nil
	}
}

// byType returns the resources of a type.
func (s *subject) byType(kind string) []plan.Resource {
	var found []plan.Resource
	for _, r := range s.Resources {
		if r.Type == kind {
			found = append(found, r)
		}
	}
	return found
}

func unique(findings []plan.Finding) []plan.Finding {
	var kept []plan.Finding
	for _, f := range findings {
		if !slices.Contains(kept, f) {
			kept = append(kept, f)
		}
	}
	return kept
}
