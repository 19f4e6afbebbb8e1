// Package kubeplugin gives tests Pulumi's own Kubernetes plugin, built from its Go
// module (`make bin/plugins/kubernetes/pulumi-resource-kubernetes`).
//
// The newest version of the module is release 4.25.0 of January 2026. Users' stacks
// run with the release that go.mod names. docs/fidelity.md lists the differences
// that matter.
package kubeplugin

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"escala/infra/engine"
)

// Variable is the environment variable with the plugin's folder. If it is not
// set, tests that need the plugin are skipped, since they take minutes; `make
// test-rest` sets it.
const Variable = "ESCALA_KUBERNETES_PLUGIN"

// Package is the name of the plugin's Pulumi package.
const Package = "kubernetes"

// program is the name of the plugin's binary.
const program = "pulumi-resource-" + Package

// forceVariable makes the plugin take over fields of other managers. Releases from
// 4.29.0 on read this setting from the provider's configuration, where the targets
// set it. The version of the tests supports only the variable.
const forceVariable = "PULUMI_K8S_ENABLE_PATCH_FORCE"

// Find returns the plugin in the folder that the environment variable names. Its
// Path is empty if the variable is not set: the engine then installs the release
// that go.mod names.
func Find() (engine.Provider, error) {
	folder := os.Getenv(Variable)
	if folder == "" {
		return engine.Provider{Name: Package}, nil
	}
	if _, err := os.Stat(filepath.Join(folder, program)); err != nil {
		return engine.Provider{}, fmt.Errorf("%s is not built (%s is %s): make bin/plugins/kubernetes/%s", program, Variable, folder, program)
	}
	if err := os.Setenv(forceVariable, "true"); err != nil {
		return engine.Provider{}, fmt.Errorf("setting up the Kubernetes plugin: %w", err)
	}
	return engine.Provider{Name: Package, Path: folder}, nil
}

// New returns the plugin for a test. It skips the test if the environment
// variable is not set.
func New(t testing.TB) engine.Provider {
	t.Helper()
	plugin, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	if plugin.Path == "" {
		t.Skip(Variable + " is not set; make test-rest sets it")
	}
	return plugin
}
