package apiserver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBinariesMustBeWhereTheVariableSays(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(Variable, folder)
	for _, name := range programs {
		_, err := binaries()
		require.ErrorIs(t, err, errNotBuilt)
		require.ErrorContains(t, err, folder+" lacks "+name)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
	}
	found, err := binaries()
	require.NoError(t, err)
	assert.Equal(t, folder, found)
}
