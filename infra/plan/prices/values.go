package prices

import "escala/infra/plan"

// inputs returns a resource's inputs as its provider gets them, or the inputs for
// people, because a plan that was read from JSON has only those.
func inputs(r plan.Resource) map[string]any {
	if r.Raw != nil {
		return r.Raw
	}
	return r.Inputs
}
