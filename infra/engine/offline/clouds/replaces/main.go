// Command replaces writes a table of the properties whose change replaces a
// resource (infra/engine/offline/clouds/*_replaces.json). It reads a provider's
// schema and updates the types that are in the table.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	schema := flag.String("schema", "", "the provider's schema: pulumi package get-schema aws@<version>")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: replaces -schema schema.json table.json")
		os.Exit(2)
	}
	if err := rewrite(*schema, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// table is the content of the written file.
type table struct {
	Package  string              `json:"package"`
	Version  string              `json:"version"`
	Replaces map[string][]string `json:"replaces"`
}

func rewrite(schemaPath, tablePath string) error {
	var s schema
	if err := readJSON(schemaPath, &s); err != nil {
		return err
	}
	var t table
	if err := readJSON(tablePath, &t); err != nil {
		return err
	}
	t.Version = s.Version
	for token := range t.Replaces {
		resource, ok := s.Resources[token]
		if !ok {
			return fmt.Errorf("%s: the schema has no resource %s", schemaPath, token)
		}
		t.Replaces[token] = s.replaced(resource.InputProperties)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "\t")
	if err := encoder.Encode(t); err != nil {
		return err
	}
	return os.WriteFile(tablePath, out.Bytes(), 0o644)
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// schema is the part of a Pulumi schema with the properties that replace a
// resource.
type schema struct {
	Version   string `json:"version"`
	Resources map[string]struct {
		InputProperties map[string]property `json:"inputProperties"`
	} `json:"resources"`
	Types map[string]struct {
		Properties map[string]property `json:"properties"`
	} `json:"types"`
}

type property struct {
	WillReplaceOnChanges bool      `json:"willReplaceOnChanges"`
	Ref                  string    `json:"$ref"`
	Items                *property `json:"items"`
}

// replaced returns the sorted paths of the properties that replace.
func (s schema) replaced(properties map[string]property) []string {
	paths := s.below("", properties, nil)
	slices.Sort(paths)
	return paths
}

// below collects paths. through are the types on the current path, since types
// may contain themselves.
func (s schema) below(prefix string, properties map[string]property, through []string) []string {
	paths := []string{}
	for name, p := range properties {
		path := prefix + name
		if p.WillReplaceOnChanges {
			paths = append(paths, path)
			continue
		}
		ref := p.Ref
		if p.Items != nil {
			ref = p.Items.Ref
		}
		name, local := strings.CutPrefix(ref, "#/types/")
		if !local || slices.Contains(through, name) {
			continue
		}
		paths = append(paths, s.below(path+".", s.Types[name].Properties, append(slices.Clone(through), name))...)
	}
	return paths
}
