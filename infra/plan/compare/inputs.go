package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// inputs returns the changed leaves with their paths, without those that the
// program ignores.
func inputs(before, after map[string]any, ignored []string) []Input {
	var found []Input
	walk("", normalize(before), normalize(after), &found)
	return slices.DeleteFunc(found, func(i Input) bool { return isBelow(i.Path, ignored) })
}

// normalize converts a value to the types of encoding/json, since one of the plans
// was read from JSON.
func normalize(m map[string]any) any {
	b, err := json.Marshal(m)
	if err != nil {
		return m
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		return m
	}
	if out == nil {
		return map[string]any{}
	}
	return out
}

func walk(path string, before, after any, found *[]Input) {
	if reflect.DeepEqual(before, after) {
		return
	}
	olds, wasObject := before.(map[string]any)
	news, isObject := after.(map[string]any)
	if wasObject && isObject {
		keys := append(slices.Collect(maps.Keys(olds)), slices.Collect(maps.Keys(news))...)
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			walk(joined(path, key), olds[key], news[key], found)
		}
		return
	}
	oldItems, wasList := before.([]any)
	newItems, isList := after.([]any)
	if wasList && isList {
		for i := range max(len(oldItems), len(newItems)) {
			var old, now any
			if i < len(oldItems) {
				old = oldItems[i]
			}
			if i < len(newItems) {
				now = newItems[i]
			}
			walk(fmt.Sprintf("%s[%d]", path, i), old, now, found)
		}
		return
	}
	*found = append(*found, Input{Path: path, Before: before, After: after})
}

// joined appends a key to a path. A key with a dot, as in labels, is quoted.
func joined(path, key string) string {
	if strings.ContainsAny(key, ".[]\"") {
		return fmt.Sprintf("%s[%q]", path, key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// isBelow reports whether a path equals one of the given paths or is below one.
func isBelow(path string, above []string) bool {
	return slices.ContainsFunc(above, func(one string) bool {
		rest, ok := strings.CutPrefix(path, one)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// replacing returns the paths of the changed inputs that force a replacement.
func replacing(changed []Input, replacedBy []string) []string {
	var by []string
	for _, i := range changed {
		if slices.Contains(replacedBy, "*") || isBelow(i.Path, replacedBy) {
			by = append(by, i.Path)
		}
	}
	return by
}
