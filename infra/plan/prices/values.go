package prices

import "escala/infra/plan"

// inputs returns a resource's inputs as its provider gets them, or as people see
// them: a plan that was read from JSON has only those.
func inputs(r plan.Resource) map[string]any {
	if r.Raw != nil {
		return r.Raw
	}
	return r.Inputs
}

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
