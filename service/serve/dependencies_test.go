package serve

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestItNeedsTheStandardLibraryAlone checks that a program that imports this
// package downloads and compiles no other module.
func TestItNeedsTheStandardLibraryAlone(t *testing.T) {
	t.Parallel()
	for _, system := range []string{"linux", "darwin"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps",
			"-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
		cmd.Env = append(cmd.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		said, err := cmd.Output()
		require.NoError(t, err)
		packages := strings.Fields(string(said))
		assert.Contains(t, packages, "escala/service/server")
		for _, path := range packages {
			assert.True(t, strings.HasPrefix(path, "escala/service"), "%s imports %s", system, path)
		}
	}
}
