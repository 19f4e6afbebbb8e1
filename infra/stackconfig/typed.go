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

// File is a stack's file, as it was typed. YAML takes 2024-06-20 for a date, 010
// for eight and 72225e2 for a number, and Pulumi hands over what it was taken
// for. Where a text is meant, the file has it as it was typed.
type File struct{ config *yaml.Node }

// ReadFile reads a stack's file. One that is not there or no YAML knows
// nothing: Pulumi reports what is wrong with it.
func ReadFile(path string) File {
	b, err := os.ReadFile(path)
	if err != nil {
		return File{}
	}
	return ParseFile(b)
}

// ParseFile is ReadFile for the content.
func ParseFile(b []byte) File {
	var all struct {
		Config yaml.Node `yaml:"config"`
	}
	if err := yaml.Unmarshal(b, &all); err != nil {
		return File{}
	}
	return File{&all.Config}
}

// at is the node of a key ("escala:service") and what lies below it, or nil.
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

// typed replaces what YAML took for something else by the text that was typed,
// in everything below node. Only what Pulumi handed over from just this node is
// replaced: its configuration may come from another file.
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
		if node.Kind == yaml.ScalarNode && node.Style == 0 && came(node, value) {
			return literal{text: node.Value, value: value}
		}
	}
	return value
}

// literal is a plain scalar: the text that was typed, and what it was taken for.
type literal struct {
	text  string
	value any
}

// came reports whether Pulumi's value is what YAML takes the node for, and not a
// text already.
func came(node *yaml.Node, value any) bool {
	var taken any
	if err := node.Decode(&taken); err != nil {
		return false
	}
	switch t := taken.(type) {
	case time.Time:
		// How the value is written depends on who hands it over.
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

// madeOfADate reports whether a text is how Go writes a time: a date that was
// typed without quotes, in a file that is not there to look at.
func madeOfADate(s string) bool {
	_, err := time.Parse("2006-01-02 15:04:05 -0700 MST", s)
	return err == nil && strings.HasSuffix(s, " +0000 UTC")
}
