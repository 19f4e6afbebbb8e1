package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// asService returns the folder of a module whose service is program.
func asService(t *testing.T, program string) string {
	t.Helper()
	root := module(t, program)
	folder := filepath.Join(root, "service", "cmd", "api")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.Rename(filepath.Join(root, "main.go"), filepath.Join(folder, "main.go")))
	return root
}

// own returns the source of the service of a module.
func own(root string) Source { return Source{Root: root, Program: service.NewProgram()} }

// bothPlatforms are the platforms that a cluster's nodes may have.
var bothPlatforms = []Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}

func TestServicesBuildsWhatServiceBuilds(t *testing.T) {
	root := asService(t, hello)
	state := filepath.Join(root, ".state")
	both, err := own(root).Services(t.Context(), state, bothPlatforms...)
	require.NoError(t, err)
	require.Len(t, both, 2)
	for _, platform := range bothPlatforms {
		alone, err := Service(t.Context(), root, filepath.Join(root, ".other"), platform)
		require.NoError(t, err)
		assert.Equal(t, alone.Release, both[platform].Release, platform)
		assert.FileExists(t, both[platform].Path)
	}
}

func TestServicesSaysForWhichPlatformItDoesNotCompile(t *testing.T) {
	root := asService(t, hello)
	folder := filepath.Join(root, "service", "cmd", "api")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "main_arm64.go"), []byte("package main\n\nvar _ = nonsense\n"), 0o600))
	_, err := own(root).Services(t.Context(), filepath.Join(root, ".state"), bothPlatforms...)
	require.ErrorContains(t, err, "building the service for linux/arm64")
	assert.ErrorContains(t, err, "undefined: nonsense")
}
