package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const commented = `# What this stack is.
config:
  # where it runs
  escala:target: local # here
  escala:service:
    workers:
      count: 3
`

func TestPinChangesOneKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stack.yaml")
	require.NoError(t, os.WriteFile(file, []byte(commented), 0o644))
	read := func() string {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(b)
	}
	require.NoError(t, Pin(file, "escala:release", "123456789012"))
	pinned := func(id string) string {
		return strings.Replace(commented, "config:\n", "config:\n  escala:release: \""+id+"\"\n", 1)
	}
	assert.Equal(t, pinned("123456789012"), read())
	require.NoError(t, Pin(file, "escala:release", "1e1000000000"))
	assert.Equal(t, pinned("1e1000000000"), read())
	var values struct{ Config map[string]any }
	require.NoError(t, yaml.Unmarshal([]byte(read()), &values))
	assert.Equal(t, "1e1000000000", values.Config["escala:release"], "it is a text, not a number")

	require.NoError(t, Pin(file, "escala:release", ""))
	assert.Equal(t, commented, read())
	require.NoError(t, Pin(file, "escala:release", ""), "to take away what is not there is no error")
	assert.Equal(t, commented, read())
}

func TestPinNeedsAConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stack.yaml")
	require.ErrorContains(t, Pin(file, "k", "v"), "reading the stack's configuration")
	require.NoError(t, os.WriteFile(file, []byte("a: 1\n"), 0o644))
	require.ErrorContains(t, Pin(file, "k", "v"), "has no line \"config:\"")
	require.NoError(t, os.WriteFile(file, []byte("config:\n  k: {a: 1,\n    b: 2}\n"), 0o644))
	require.Error(t, Pin(file, "k", "v"), "what is not one line is left to people")
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "config:\n  k: {a: 1,\n    b: 2}\n", string(content))
}

// TestPinKeepsTheRepositorysStackFiles as they are but for the line.
func TestPinKeepsTheRepositorysStackFiles(t *testing.T) {
	files, err := filepath.Glob("../../stacks/Pulumi.*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, original := range files {
		content, err := os.ReadFile(original)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "stack.yaml")
		require.NoError(t, os.WriteFile(file, content, 0o644))
		require.NoError(t, Pin(file, "escala:release", "123456789012"))
		require.NoError(t, Pin(file, "escala:release", ""))
		after, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(content), string(after), original)
	}
}
