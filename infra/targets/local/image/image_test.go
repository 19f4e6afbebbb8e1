package image

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABuildRemovesWhatAnInterruptedOneLeft(t *testing.T) {
	// A program that fails replaces unshare, so the build fails, and its own files
	// are removed too.
	programs, folder := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(programs, "unshare"), []byte("#!/bin/false\n"), 0o755))
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

func TestAMountedFileSystemIsNotRemoved(t *testing.T) {
	t.Parallel()
	folder, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	build := filepath.Join(folder, "a b")
	require.NoError(t, os.Mkdir(build, 0o755))
	name := filepath.Join(folder, `a\040b`)
	for line, busy := range map[string]bool{
		"proc " + name + "/rootfs/proc proc rw 0 0": true,
		"tmpfs " + name + " tmpfs rw 0 0":           true,
		"tmpfs " + name + "c tmpfs rw 0 0":          false,
		"/dev/sda1 / ext4 rw 0 0":                   false,
	} {
		table := filepath.Join(t.TempDir(), "mounts")
		require.NoError(t, os.WriteFile(table, []byte("sysfs /sys sysfs rw 0 0\n"+line+"\n"), 0o600))
		got, err := mountedBelow(build, table)
		require.NoError(t, err)
		assert.Equal(t, busy, got, line)
	}
}
