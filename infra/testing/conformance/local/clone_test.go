package local_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/targets/local/host"
	"escala/infra/testing/conformance/source"
	"escala/infra/workspace"
)

// cloneWith installs the packages that the machines need, and returns a clone with
// a copy of an example in its folder "example". The clone's path is short because
// the length of a socket's path is limited.
func cloneWith(ctx context.Context, t *testing.T, example string) source.Clone {
	t.Helper()
	require.NoError(t, host.Install(ctx, os.Stderr))
	require.Empty(t, host.Missing())
	root, err := workspace.Root()
	require.NoError(t, err)
	folder, err := os.MkdirTemp("", "ex")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(folder)) })
	clone, err := source.NewClone(root, folder)
	require.NoError(t, err)
	require.NoError(t, os.CopyFS(filepath.Join(clone.Root, "example"), os.DirFS(filepath.Join(root, "examples", example))))
	return clone
}
