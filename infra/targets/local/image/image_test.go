package image

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABuildRemovesWhatAnInterruptedOneLeft(t *testing.T) {
	// A program that does nothing stands for mmdebstrap: the build fails, and what it
	// made goes too.
	programs, folder := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(programs, "sh"), []byte("#!/bin/false\n"), 0o755))
	t.Setenv("PATH", programs)
	require.NoError(t, os.MkdirAll(filepath.Join(folder, ".build-1", "rootfs"), 0o755))
	require.NoError(t, os.MkdirAll(RootFS(folder, "another"), 0o755))
	err := Build(t.Context(), folder, func(string) {})
	require.ErrorContains(t, err, "building the machine's image with mmdebstrap")
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Equal(t, "another", entries[0].Name())
}
