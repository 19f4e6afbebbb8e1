package manifests

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Notes is the name of the file with the remaining manual steps.
const Notes = "NOTES.md"

// fileNames maps a kind to the usual name of its file. Other kinds use their
// own name. kubectl applies files in the order of their names, and every other
// object needs the namespace.
var fileNames = map[string]string{
	"Namespace":               "00-namespace",
	"HorizontalPodAutoscaler": "hpa",
	"PodDisruptionBudget":     "pdb",
}

// component is the label that separates the components of a stack. Redis has
// its own file.
const component = "app.kubernetes.io/component"

// Files returns the contents of the files by their names, Notes included.
func (s Set) Files() (map[string][]byte, error) {
	grouped := map[string][]map[string]any{}
	for _, object := range s.Objects {
		labels, _ := meta(object)["labels"].(map[string]any)
		kind, _ := object["kind"].(string)
		name := fileNames[kind]
		switch {
		case labels[component] == "redis":
			name = "redis"
		case name == "":
			name = strings.ToLower(kind)
		}
		grouped[name+".yaml"] = append(grouped[name+".yaml"], object)
	}
	files := map[string][]byte{Notes: []byte(s.notes(slices.Sorted(maps.Keys(grouped))))}
	for name, objects := range grouped {
		content, err := document(objects)
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
		files[name] = content
	}
	return files, nil
}

// document encodes objects as one YAML file with several documents.
func document(objects []map[string]any) ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	for _, object := range objects {
		if err := enc.Encode(object); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), enc.Close()
}

// Write writes the files into a folder. It first removes older manifests, since
// kubectl applies all files of a folder.
func (s Set) Write(folder string) error {
	files, err := s.Files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder for the manifests: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return fmt.Errorf("looking for earlier manifests: %w", err)
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("removing an earlier manifest: %w", err)
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return fmt.Errorf("writing the manifests: %w", err)
		}
	}
	return nil
}
