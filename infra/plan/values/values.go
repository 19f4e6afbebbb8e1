// Package values reads resources' inputs: JSON-like values whose shape depends on the
// provider. Its functions return a zero value if the shape is not the expected one;
// they never panic.
package values

// At returns the value at a path of keys, or nil.
func At(value any, path ...string) any {
	for _, key := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[key]
	}
	return value
}

// Text returns the text at a path, or "".
func Text(value any, path ...string) string {
	s, _ := At(value, path...).(string)
	return s
}

// Bool returns the boolean at a path, or false.
func Bool(value any, path ...string) bool {
	b, _ := At(value, path...).(bool)
	return b
}

// Number returns the number at a path, and whether there is one.
func Number(value any, path ...string) (float64, bool) {
	n, ok := At(value, path...).(float64)
	return n, ok
}

// List returns the list at a path, or nil.
func List(value any, path ...string) []any {
	items, _ := At(value, path...).([]any)
	return items
}
