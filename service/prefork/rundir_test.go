package prefork

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMakeRunDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "run")
	require.NoError(t, makeRunDir(dir))
	require.NoError(t, makeRunDir(dir), "it may be there")
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Zero(t, info.Mode().Perm()&0o007)

	require.NoError(t, os.Chmod(dir, 0o777))
	require.ErrorContains(t, makeRunDir(dir), "every user may write to")

	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(filepath.Dir(dir), link))
	require.ErrorContains(t, makeRunDir(link), "is not a directory")

	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	require.NoError(t, os.Chmod(dir, 0o750))
	require.NoError(t, os.Chown(dir, 12345, -1))
	require.ErrorContains(t, makeRunDir(dir), "belongs to user 12345")
}
