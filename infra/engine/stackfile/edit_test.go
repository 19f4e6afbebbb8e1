package stackfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const release = "escala:release"

func TestSetChangesOneLine(t *testing.T) {
	t.Parallel()
	const (
		id   = "1e1000000000" // without quotes it would be a number
		line = `escala:release: "1e1000000000"`
	)
	for name, test := range map[string]struct{ before, after string }{
		"commented": {
			"# What this stack is.\nconfig:\n  # where it runs\n  escala:target: local # here\n",
			"# What this stack is.\nconfig:\n  " + line + "\n  # where it runs\n  escala:target: local # here\n",
		},
		"byte order mark":      {"\ufeffconfig:\n  escala:target: local\n", "\ufeffconfig:\n  " + line + "\n  escala:target: local\n"},
		"comment behind head":  {"config: # all of it\n  escala:target: local\n", "config: # all of it\n  " + line + "\n  escala:target: local\n"},
		"four spaces":          {"config:\n    escala:target: local\n    escala:service:\n        workers: {count: 3}\n", "config:\n    " + line + "\n    escala:target: local\n    escala:service:\n        workers: {count: 3}\n"},
		"quoted head":          {"\"config\":\n  escala:target: local\n", "\"config\":\n  " + line + "\n  escala:target: local\n"},
		"lines of Windows":     {"config:\r\n  escala:target: local\r\n", "config:\r\n  " + line + "\r\n  escala:target: local\r\n"},
		"no last line end":     {"config:\n  escala:target: local", "config:\n  " + line + "\n  escala:target: local"},
		"head alone":           {"config:", "config:\n  " + line + "\n"},
		"head and a comment":   {"config: # nothing\n# end\n", "config: # nothing\n  " + line + "\n# end\n"},
		"no head":              {"encryptionsalt: v1:x\n", "encryptionsalt: v1:x\nconfig:\n  " + line + "\n"},
		"nothing":              {"", "config:\n  " + line + "\n"},
		"other keys behind it": {"config:\n  a:b: c\nencryptionsalt: v1:x\n", "config:\n  " + line + "\n  a:b: c\nencryptionsalt: v1:x\n"},
		"other keys before it": {"encryptionsalt: v1:x\nconfig:\n  a:b: c\n", "encryptionsalt: v1:x\nconfig:\n  " + line + "\n  a:b: c\n"},
		"in braces":            {"# top\nconfig: {a:b: c}\n", "# top\nconfig:\n  a:b: c\n  " + line + "\n"},
		"empty braces":         {"config: {}\n", "config:\n  " + line + "\n"},
		"set before":           {"config:\n  a:b: c\n  'escala:release': 123 # pinned\n  d:e: f\n", "config:\n  a:b: c\n  " + line + " # pinned\n  d:e: f\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "Pulumi.x.yaml")
			require.NoError(t, os.WriteFile(path, []byte(test.before), 0o640))
			require.NoError(t, Set(path, release, id))
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, test.after, string(text))
			f, err := Read(path)
			require.NoError(t, err)
			assert.Equal(t, id, f.String(release))
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o640), info.Mode().Perm())

			require.NoError(t, Set(path, release, ""))
			f, err = Read(path)
			require.NoError(t, err)
			assert.Empty(t, f.String(release))
			require.NoError(t, Set(path, release, ""), "a key that is not set can be removed")
		})
	}
}

func TestSetLeavesTheFileAloneWhenItCannotEditIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "Pulumi.x.yaml")
	require.ErrorContains(t, Set(path, "k", "v"), "no such file")
	for _, text := range []string{
		"config:\n  k: {a: 1,\n    b: 2}\n",
		"config:\n  k: |\n    text\n",
		"base: &b\n  a: c\nconfig: *b\n",
		"config: text\n",
		"- a list\n",
		"config: [\n",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		require.Error(t, Set(path, "k", "v"), text)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, text, string(after))
	}
}

// TestSetKeepsTheClonesStackFiles checks that setting and removing a key leaves
// the file unchanged.
func TestSetKeepsTheClonesStackFiles(t *testing.T) {
	t.Parallel()
	stacks, err := Stacks("../../..")
	require.NoError(t, err)
	for _, stack := range stacks {
		before, err := os.ReadFile(Path("../../..", stack))
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "Pulumi.x.yaml")
		require.NoError(t, os.WriteFile(path, before, 0o644))
		require.NoError(t, Set(path, release, "123456789012"))
		set, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, 1, strings.Count(string(set), "\n")-strings.Count(string(before), "\n"))
		require.NoError(t, Set(path, release, ""))
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(before), string(after), stack)
	}
}
