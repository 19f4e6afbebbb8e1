package workspace

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDevcontainerHasTheReleasesGo checks that the developers' container has the Go
// version of the releases. Its image is named by digest, so it cannot change under
// its name.
func TestDevcontainerHasTheReleasesGo(t *testing.T) {
	root, err := Root()
	require.NoError(t, err)
	match := func(file, pattern string) string {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		found := regexp.MustCompile(pattern).FindSubmatch(content)
		require.NotNil(t, found, "%s has nothing like %s", file, pattern)
		return string(found[1])
	}
	assert.Equal(t,
		match("Dockerfile", `(?m)^ARG GO_VERSION=(\S+)$`),
		match(".devcontainer/Dockerfile", `(?m)^FROM golang:(\d+\.\d+\.\d+)-bookworm@sha256:[0-9a-f]{64}$`))
	assert.NotEqual(t, "root", match(".devcontainer/devcontainer.json", `"remoteUser": "(\w+)"`))
}
