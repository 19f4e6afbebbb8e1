package stackconfig

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"escala/service"
)

// decode copies value, as encoding/json reads it with UseNumber, into target,
// whose fields have the tag `config:"key"`. Fields without a value keep their
// defaults. Every mismatch is added to v with its path.
func decode(path string, value any, target reflect.Value, v *service.Violations) {
	if plain, ok := value.(literal); ok {
		if target.Kind() == reflect.String {
			target.SetString(plain.text) // as it was typed
			return
		}
		value = plain.value
	}
	if target.Type() == reflect.TypeFor[time.Duration]() {
		s, ok := value.(string)
		d, err := time.ParseDuration(s)
		if !ok || err != nil {
			v.Add(path, "%s is not a duration such as \"20s\" or \"1m30s\"", show(value))
			return
		}
		target.SetInt(int64(d))
		return
	}
	switch target.Kind() {
	case reflect.Struct:
		decodeStruct(path, value, target, v)
	case reflect.Map:
		decodeMap(path, value, target, v)
	case reflect.Slice:
		items, ok := value.([]any)
		if !ok {
			v.Add(path, "%s is not a list", show(value))
			return
		}
		out := reflect.MakeSlice(target.Type(), len(items), len(items))
		for i, item := range items {
			decode(fmt.Sprintf("%s[%d]", path, i), item, out.Index(i), v)
		}
		target.Set(out)
	case reflect.String:
		s, ok := value.(string)
		if !ok {
			v.Add(path, "%s is not a text; put the value in quotes", show(value))
			return
		}
		if isFormattedTime(s) {
			v.Add(path, "YAML reads the value as a date, %q; put it in quotes", s)
			return
		}
		target.SetString(s)
	case reflect.Bool:
		b, ok := value.(bool)
		if !ok {
			v.Add(path, "%s is neither true nor false", show(value))
			return
		}
		target.SetBool(b)
	case reflect.Int:
		n, ok := number(value)
		if !ok {
			v.Add(path, "%s is not a whole number", show(value))
			return
		}
		target.SetInt(n)
	default:
		// A field that no configuration can fill is a programming error.
		panic(fmt.Sprintf("config: %s has the type %s, which cannot be decoded", path, target.Type()))
	}
}

func decodeStruct(path string, value any, target reflect.Value, v *service.Violations) {
	object, ok := value.(map[string]any)
	if !ok {
		v.Add(path, "%s is not a mapping of keys", show(value))
		return
	}
	fields := keyed(target)
	for _, key := range sortedKeys(object) {
		field, known := fields[key]
		if !known {
			v.Add(join(path, key), "is not a key; %s", suggest(key, "known here:", sortedKeys(fields)))
			continue
		}
		decode(join(path, key), object[key], field, v)
	}
}

// keyed returns a struct's fields by their keys. The fields of embedded structs
// are included.
func keyed(target reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range target.NumField() {
		field := target.Type().Field(i)
		key := field.Tag.Get("config")
		switch {
		case key != "":
			fields[key] = target.Field(i)
		case field.Anonymous && field.Type.Kind() == reflect.Struct:
			maps.Copy(fields, keyed(target.Field(i)))
		}
	}
	return fields
}

// decodeMap fills a map. Its entries begin with the defaults that their method
// SetDefaults sets.
func decodeMap(path string, value any, target reflect.Value, v *service.Violations) {
	object, ok := value.(map[string]any)
	if !ok {
		v.Add(path, "%s is not a mapping of keys", show(value))
		return
	}
	out := reflect.MakeMap(target.Type())
	for _, key := range sortedKeys(object) {
		item := reflect.New(target.Type().Elem()).Elem()
		if entry, ok := item.Addr().Interface().(interface{ SetDefaults() }); ok {
			entry.SetDefaults()
		}
		decode(join(path, key), object[key], item, v)
		out.SetMapIndex(reflect.ValueOf(key), item)
	}
	target.Set(out)
}

func number(value any) (int64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	// The conversion from YAML to JSON may turn 2 into 2.0.
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// show formats a value for an error message. It cuts off long values.
func show(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if len(b) > 60 {
		b = append(b[:57], "..."...)
	}
	return string(b)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// suggest returns a hint: the known word most similar to the unknown one, or the
// introduction and all known words.
func suggest(unknown, introduction string, known []string) string {
	best, distance := "", 3
	for _, word := range known {
		if d := edits(strings.ToLower(unknown), strings.ToLower(word)); d < distance {
			best, distance = word, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return introduction + " " + strings.Join(known, ", ")
}

// edits returns the Levenshtein distance of two texts.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		previous := slices.Clone(row)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(previous[j]+1, row[j-1]+1, previous[j-1]+cost)
		}
	}
	return row[len(b)]
}
