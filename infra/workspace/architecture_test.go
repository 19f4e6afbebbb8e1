package workspace

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// namedPath matches a path of the repository in backticks, or in a link.
var namedPath = regexp.MustCompile("`((?:infra|cloudinit|service|stacks|docs|examples)/[^` *…]*)`|\\]\\(([^)#:]+)[)#]")

// TestPagesNameWhatExists checks that the pages for newcomers name files that exist.
func TestPagesNameWhatExists(t *testing.T) {
	t.Parallel()
	root, err := Root()
	require.NoError(t, err)
	for _, page := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		require.NoError(t, err)
		found := namedPath.FindAllStringSubmatch(string(text), -1)
		require.NotEmpty(t, found)
		for _, m := range found {
			path := m[1] + m[2]
			if strings.ContainsAny(path, "<$") {
				continue // it stands for several
			}
			_, err := os.Stat(filepath.Join(root, filepath.FromSlash(path)))
			assert.NoError(t, err, "%s names %s", page, path)
		}
	}
}
