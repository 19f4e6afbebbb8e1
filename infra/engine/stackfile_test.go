package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCopyStackFileKeepsTheSaltAndNothingElse(t *testing.T) {
	folder := t.TempDir()
	from, to := filepath.Join(folder, "from"), filepath.Join(folder, "to")
	write := func(path, content string) { require.NoError(t, os.WriteFile(path, []byte(content), 0o600)) }
	read := func() string {
		content, err := os.ReadFile(to)
		require.NoError(t, err)
		return string(content)
	}

	require.ErrorContains(t, copyStackFile(from, to), "there is no stack of that name")

	write(from, "# a comment\nconfig:\n  escala:target: local\n")
	require.NoError(t, copyStackFile(from, to))
	assert.Equal(t, "config:\n    escala:target: local\n", read())

	write(to, "encryptionsalt: v1:old\nconfig:\n  escala:target: other\n  escala:gone: x\n")
	require.NoError(t, copyStackFile(from, to))
	assert.Equal(t, "config:\n    escala:target: local\nencryptionsalt: v1:old\n", read())

	write(from, "encryptionsalt: v1:own\n")
	require.NoError(t, copyStackFile(from, to))
	assert.Equal(t, "encryptionsalt: v1:own\n", read())

	write(from, "config: [\n")
	require.ErrorContains(t, copyStackFile(from, to), "reading "+from)
}

func TestConfigValue(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stack")
	assert.Empty(t, ConfigValue(file, "escala:target"))
	require.NoError(t, os.WriteFile(file, []byte("config:\n  escala:target: local\n  escala:local: {port: 1}\n"), 0o600))
	assert.Equal(t, "local", ConfigValue(file, "escala:target"))
	assert.Empty(t, ConfigValue(file, "escala:local"))
	require.NoError(t, os.WriteFile(file, []byte("config: ["), 0o600))
	assert.Empty(t, ConfigValue(file, "escala:target"))
}
