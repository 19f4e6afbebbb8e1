package workspace

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadmesShowTheExample checks that the first screen of the READMEs is a program
// that runs.
func TestReadmesShowTheExample(t *testing.T) {
	root, err := Root()
	require.NoError(t, err)
	program, err := os.ReadFile(filepath.Join(root, "examples", "nethttp", "main.go"))
	require.NoError(t, err)
	for _, page := range []string{"README.md", "README.es.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		require.NoError(t, err)
		assert.Contains(t, string(text), "```go\n"+string(program)+"```\n", page)
	}
}

// TestExamplesModuleFollowsTheClones checks that an example's go.mod lists the same
// modules as the clone's. If this fails: go mod tidy, in examples/runtime.
func TestExamplesModuleFollowsTheClones(t *testing.T) {
	root, err := Root()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "mod", "tidy", "-diff")
	cmd.Dir = filepath.Join(root, "examples", "runtime")
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
}
