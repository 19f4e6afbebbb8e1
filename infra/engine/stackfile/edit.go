package stackfile

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Set sets a configuration key of a stack's file to a text. An empty text
// removes the key. Only that line changes; comments, order and indentation
// stay.
func Set(path, key, value string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("reading the stack's configuration: %w", err)
	}
	before, err := Read(path)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the stack's configuration: %w", err)
	}
	mark := text[:len(text)-len(bytes.TrimPrefix(text, byteOrderMark))]
	edited, err := edit(before.text, key, value)
	if err != nil {
		return fmt.Errorf("%s: %w; set %s there by hand", path, err, key)
	}
	after, err := Parse(path, edited)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(after.values, before.with(key, value)) {
		return fmt.Errorf("%s: %s cannot be set without another change; set it there by hand", path, key)
	}
	if err := os.WriteFile(path, append(slices.Clone(mark), edited...), info.Mode().Perm()); err != nil {
		return fmt.Errorf("writing the stack's configuration: %w", err)
	}
	return nil
}

// with returns the file's values with one changed.
func (f *File) with(key, value string) map[string]any {
	old, _ := f.values[configKey].(map[string]any)
	if _, set := old[key]; !set && value == "" {
		return f.values
	}
	configuration := maps.Clone(old)
	if configuration == nil {
		configuration = map[string]any{}
	}
	delete(configuration, key)
	if value != "" {
		configuration[key] = value
	}
	values := maps.Clone(f.values)
	if values == nil {
		values = map[string]any{}
	}
	values[configKey] = configuration
	if len(configuration) == 0 {
		values[configKey] = nil // as "config:" with nothing below it
	}
	return values
}

// edit returns a file's text with one key changed.
func edit(text []byte, key, value string) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	lines := lines{text: bytes.SplitAfter(text, []byte("\n"))}
	lines.end = "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		lines.end = "\r\n"
	}
	entry := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: value}
	quoted, err := yaml.Marshal(&entry)
	if err != nil {
		return nil, err
	}
	line := key + ": " + strings.TrimSpace(string(quoted))
	name, configuration := lookup(root(&document), configKey)
	switch {
	case name == nil && value == "":
		return text, nil
	case name == nil:
		return lines.append(configKey+":", "  "+line), nil
	case configuration.Kind == yaml.ScalarNode && configuration.Tag == "!!null" && value == "":
		return text, nil
	case configuration.Kind == yaml.ScalarNode && configuration.Tag == "!!null" && configuration.Value == "":
		return lines.insert(name.Line, strings.Repeat(" ", name.Column+1)+line), nil
	case configuration.Kind != yaml.MappingNode:
		return nil, fmt.Errorf("line %d: %s is not a mapping", name.Line, configKey)
	case configuration.Style&yaml.FlowStyle != 0:
		return encode(&document, configuration, key, &entry)
	}
	indent := strings.Repeat(" ", configuration.Column-1)
	found, old := lookup(configuration, key)
	switch {
	case found == nil && value == "":
		return text, nil
	case found == nil:
		return lines.insert(name.Line, indent+line), nil
	case old.Kind != yaml.ScalarNode || old.Line != found.Line || old.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return nil, fmt.Errorf("line %d: %s is not one line", found.Line, key)
	case value == "":
		return lines.remove(found.Line), nil
	}
	if old.LineComment != "" {
		line += " " + old.LineComment
	}
	return lines.replace(found.Line, indent+line), nil
}

// encode rewrites the whole file with its comments. It is for a configuration
// in braces, which has no line for each key.
func encode(document, configuration *yaml.Node, key string, entry *yaml.Node) ([]byte, error) {
	kept := configuration.Content[:0]
	for i := 0; i+1 < len(configuration.Content); i += 2 {
		if configuration.Content[i].Value != key {
			kept = append(kept, configuration.Content[i], configuration.Content[i+1])
		}
	}
	configuration.Content = kept
	if entry.Value != "" {
		configuration.Content = append(configuration.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, entry)
	}
	configuration.Style &^= yaml.FlowStyle
	if len(configuration.Content) == 0 {
		*configuration = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// root returns the mapping of a document, or nil for an empty one.
func root(document *yaml.Node) *yaml.Node {
	if document.Kind == yaml.DocumentNode && len(document.Content) == 1 && document.Content[0].Kind == yaml.MappingNode {
		return document.Content[0]
	}
	return nil
}

// lookup finds a key of a mapping.
func lookup(mapping *yaml.Node, key string) (name, value *yaml.Node) {
	if mapping == nil {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

// lines is a text split into lines. Line numbers begin with 1.
type lines struct {
	text [][]byte
	end  string
}

// insert adds a line after the one with a number.
func (l lines) insert(after int, line string) []byte {
	before := l.text[:after]
	last := before[after-1]
	if !bytes.HasSuffix(last, []byte("\n")) {
		last = append(slices.Clone(last), l.end...)
	}
	return bytes.Join(slices.Concat(before[:after-1], [][]byte{last, []byte(line + l.end)}, l.text[after:]), nil)
}

func (l lines) remove(number int) []byte {
	return bytes.Join(slices.Concat(l.text[:number-1], l.text[number:]), nil)
}

func (l lines) replace(number int, line string) []byte {
	return bytes.Join(slices.Concat(l.text[:number-1], [][]byte{[]byte(line + l.end)}, l.text[number:]), nil)
}

// append adds lines after the last one.
func (l lines) append(more ...string) []byte {
	text := bytes.Join(l.text, nil)
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, l.end...)
	}
	for _, line := range more {
		text = append(text, line+l.end...)
	}
	return text
}
