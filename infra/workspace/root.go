// Package workspace finds the clone in which escala runs.
package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Root returns the clone's top folder: the nearest folder with Pulumi.yaml,
// from the working directory upwards.
func Root() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the working directory: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "Pulumi.yaml")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("there is no Pulumi.yaml here or above: run this in the clone of escala")
		}
		folder = parent
	}
}

// Project is the project's name in Pulumi.yaml and the namespace of
// configuration keys.
const Project = "escala"

// Main is the folder of the program in the clone, "main" in Pulumi.yaml. Pulumi
// and its plugins run in it, so relative paths of files that they read (Helm
// charts) start there, however the program is run.
const Main = "infra"
