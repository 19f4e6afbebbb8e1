package engine

import (
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDependencies checks that this package links few packages: Pulumi's backends
// bring every cloud's SDK, and its CLI 900 packages.
func TestDependencies(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	packages := strings.Fields(string(out))
	require.Contains(t, packages, "github.com/pulumi/pulumi/pkg/v3/engine")
	const pkg = "github.com/pulumi/pulumi/pkg/v3/"
	// The display needs these packages for its links to Pulumi Cloud, without a
	// backend.
	allowed := []string{pkg + "backend/backenderr", pkg + "backend/httpstate/client", pkg + "backend/display"}
	for _, path := range packages {
		below := func(parent string) bool { return path == parent || strings.HasPrefix(path, parent+"/") }
		if slices.ContainsFunc(allowed, below) {
			continue
		}
		for _, unwanted := range []string{
			pkg + "backend", pkg + "cmd", "gocloud.dev", "cloud.google.com", "github.com/aws", "github.com/Azure", "github.com/hashicorp/vault",
		} {
			assert.False(t, below(unwanted), path)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	assert.Equal(t, unknownVersion, versionIn(nil))
	assert.Equal(t, unknownVersion, versionIn(&debug.BuildInfo{}))
	module := &debug.Module{Path: engineModule, Version: "v3.259.0"}
	info := &debug.BuildInfo{Deps: []*debug.Module{{Path: "other", Version: "v1.0.0"}, module}}
	assert.Equal(t, "v3.259.0", versionIn(info))
	module.Replace = &debug.Module{Path: "fork", Version: "v3.260.0"}
	assert.Equal(t, "v3.260.0", versionIn(info))
}
