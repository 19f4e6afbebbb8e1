package workspace

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHomeOfAProject(t *testing.T) {
	clone, err := Root()
	require.NoError(t, err)
	home, err := FindHome(clone)
	require.NoError(t, err)
	assert.Equal(t, Home{Folder: clone}, home, "a clone has its own files")

	release, other := t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(release, ProgramsFolder), 0o755))
	t.Setenv(EnvHome, release)
	home, err = FindHome(other)
	require.NoError(t, err)
	assert.Equal(t, Home{Folder: release, Built: true}, home)

	home, ok := homeOf(filepath.Join(release, "escala"))
	assert.True(t, ok)
	assert.Equal(t, Home{Folder: release, Built: true}, home)
	home, ok = homeOf(filepath.Join(clone, "bin", "escala"))
	assert.True(t, ok)
	assert.Equal(t, Home{Folder: clone}, home, "whatever else is in bin")

	t.Setenv(EnvHome, other)
	_, err = FindHome(other)
	require.ErrorContains(t, err, "ESCALA_HOME="+other+" is neither a clone of escala nor the folder of a release")
	t.Setenv(EnvHome, "")
	_, err = FindHome(other)
	require.ErrorContains(t, err, "set ESCALA_HOME to one of them", "a test's program is beside nothing")
}

func TestReadsTheProject(t *testing.T) {
	root := t.TempDir()
	_, err := Read(root)
	require.ErrorIs(t, err, os.ErrNotExist)
	write := func(text string) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(root, "Pulumi.yaml"), []byte(text), 0o600))
	}
	write("runtime: go\n")
	_, err = Read(root)
	require.ErrorContains(t, err, "has no name")
	write("name: shop\nruntime:\n  name: go\n")
	s, err := Read(root)
	require.NoError(t, err)
	assert.Equal(t, Settings{Name: "shop"}, s)
}
