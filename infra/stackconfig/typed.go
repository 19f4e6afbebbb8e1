package stackconfig

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// File is a stack's file as typed. YAML reads 2024-06-20 as a date, 010 as
// eight and 72225e2 as a number, and Pulumi provides the converted values.
// Where a text is expected, File has the original one.
type File struct{ config *yaml.Node }

// ReadFile reads a stack's file. It returns an empty File if the file is
// missing or is not YAML; Pulumi reports such errors.
func ReadFile(path string) File {
	b, err := os.ReadFile(path)
	if err != nil {
		return File{}
	}
	return ParseFile(b)
}

// ParseFile is ReadFile for a file's content.
func ParseFile(b []byte) File {
	var all struct {
		Config yaml.Node `yaml:"config"`
	}
	if err := yaml.Unmarshal(b, &all); err != nil {
		return File{}
	}
	return File{&all.Config}
}

// at returns the node at a path of keys, the first one with its namespace
// ("escala:service"), or nil.
func (f File) at(keys ...string) *yaml.Node {
	node := f.config
	for _, key := range keys {
		if node = child(node, key); node == nil {
			return nil
		}
	}
	return node
}

func child(node *yaml.Node, key string) *yaml.Node {
	if node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// typed replaces each converted value below node by a literal with the original
// text. It replaces only values that agree with their node, since Pulumi's
// configuration may come from another file.
func typed(node *yaml.Node, value any) any {
	if node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node == nil {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = typed(child(node, key), v[key])
		}
	case []any:
		if node.Kind == yaml.SequenceNode && len(node.Content) == len(v) {
			for i := range v {
				v[i] = typed(node.Content[i], v[i])
			}
		}
	default:
		if node.Kind == yaml.ScalarNode && node.Style == 0 && isConverted(node, value) {
			return literal{text: node.Value, value: value}
		}
	}
	return value
}

// literal is a plain scalar: the original text and the value that YAML reads it
// as.
type literal struct {
	text  string
	value any
}

// isConverted reports whether Pulumi's value is the converted value of the node. It
// reports false if YAML reads the node as text.
func isConverted(node *yaml.Node, value any) bool {
	var taken any
	if err := node.Decode(&taken); err != nil {
		return false
	}
	switch t := taken.(type) {
	case time.Time:
		// The format of a date depends on the component that passes it on.
		s, ok := value.(string)
		return ok && (s == t.String() || s == t.Format(time.RFC3339Nano) || s == t.Format(time.RFC3339))
	case bool:
		return value == t || value == strconv.FormatBool(t)
	case int, int64, uint64, float64:
		return sameNumber(t, value)
	}
	return false
}

func sameNumber(taken, value any) bool {
	var text string
	switch v := value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	default:
		return false
	}
	var got, want float64
	if _, err := fmt.Sscan(text, &got); err != nil {
		return false
	}
	if _, err := fmt.Sscan(fmt.Sprint(taken), &want); err != nil {
		return false
	}
	return got == want
}

// isFormattedTime reports whether a text has the format of Go's time.Time.String. Such a
// text is a date that was typed without quotes in a file that cannot be read.
func isFormattedTime(s string) bool {
	_, err := time.Parse("2006-01-02 15:04:05 -0700 MST", s)
	return err == nil && strings.HasSuffix(s, " +0000 UTC")
}
