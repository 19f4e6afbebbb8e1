package check

import (
	"maps"
	"slices"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// textList returns the texts of a list. A single text counts as a list of one.
func textList(value any, path ...string) []string {
	switch v := values.At(value, path...).(type) {
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
