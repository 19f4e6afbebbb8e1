// Package workspace finds the clone that escala is run from.
package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Root is the clone's top folder: the nearest one above the working directory
// that holds Pulumi.yaml.
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

// Project is the name in Pulumi.yaml, the namespace of configuration keys.
const Project = "escala"

// Main is the folder of the program in the clone, "main" in Pulumi.yaml. Pulumi
// and its plugins run in it: relative paths of what they read (Helm charts) begin
// there, whichever way the program is run.
const Main = "infra"
