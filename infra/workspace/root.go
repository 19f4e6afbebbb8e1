// Package workspace finds the Pulumi project that escala works on, and escala's
// own files.
package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// projectFile is the file that makes a folder a Pulumi project.
const projectFile = "Pulumi.yaml"

// Root returns the project's top folder: the nearest folder with Pulumi.yaml,
// from the working directory upwards.
func Root() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the working directory: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, projectFile)); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("there is no Pulumi.yaml here or above: run this in the clone of escala, or in a repository that `escala init` prepared")
		}
		folder = parent
	}
}

// Namespace is the namespace of escala's configuration keys ("escala:target"),
// whatever the project's name is.
const Namespace = "escala"

// Project is the name of the clone's project.
const Project = "escala"

// Main is the folder of the program in the clone, "main" in Pulumi.yaml. Pulumi
// and its plugins run in it, so relative paths of files that they read (Helm
// charts) start there, however the program is run.
const Main = "infra"

// Settings are the parts of a project's Pulumi.yaml that escala uses.
type Settings struct {
	// Name is the project's name.
	Name string `yaml:"name"`
	// Main is the program's working directory, relative to the project's top
	// folder. Default: that folder.
	Main string `yaml:"main"`
}

// Read reads the Pulumi.yaml of the project at root.
func Read(root string) (Settings, error) {
	path := filepath.Join(root, projectFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return Settings{}, fmt.Errorf("reading the project: %w", err)
	}
	var s Settings
	if err := yaml.Unmarshal(text, &s); err != nil {
		return Settings{}, fmt.Errorf("reading %s: %w", path, err)
	}
	if s.Name == "" {
		return Settings{}, fmt.Errorf("%s has no name; for example \"name: my-api\"", path)
	}
	return s, nil
}
