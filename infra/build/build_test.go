package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// module writes a small module to a new folder and returns the folder.
func module(t *testing.T, program string) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module m\n\ngo 1.26\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "main.go"), []byte(program), 0o600))
	return root
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestTheSameSourceIsTheSameRelease(t *testing.T) {
	linux := Platform{OS: "linux", Arch: "amd64"}
	var built []Release
	for range 2 {
		root := module(t, hello)
		b, err := Program(t.Context(), root, filepath.Join(root, ".state"), ".", linux)
		require.NoError(t, err)
		info, err := os.Stat(b.Path)
		require.NoError(t, err)
		assert.Equal(t, b.Size, info.Size())
		assert.Equal(t, string(b.ID), filepath.Base(b.Path))
		built = append(built, b)
	}
	assert.Equal(t, built[0].ID, built[1].ID, "in another folder")

	root := module(t, strings.Replace(hello, "hello", "hallo", 1))
	other, err := Program(t.Context(), root, filepath.Join(root, ".state"), ".", linux)
	require.NoError(t, err)
	assert.NotEqual(t, built[0].ID, other.ID)

	arm, err := Program(t.Context(), root, filepath.Join(root, ".state"), ".", Platform{OS: "linux", Arch: "arm64"})
	require.NoError(t, err)
	assert.NotEqual(t, other.ID, arm.ID)
}

func TestWhatDoesNotCompileSaysWhereAndKeepsNothing(t *testing.T) {
	root := module(t, "package main\n\nfunc main() { nonsense }\n")
	_, err := Program(t.Context(), root, filepath.Join(root, ".state"), ".", Platform{OS: "linux", Arch: "amd64"})
	require.ErrorContains(t, err, "main.go:3:15: undefined: nonsense")
	left, err := os.ReadDir(filepath.Join(root, ".state", "build"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestOldBuildsGo(t *testing.T) {
	folder := t.TempDir()
	for i := range keptBuilds + 3 {
		require.NoError(t, os.WriteFile(filepath.Join(folder, strings.Repeat("x", i+1)), nil, 0o600))
	}
	require.NoError(t, prune(folder))
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, left, keptBuilds)
}
