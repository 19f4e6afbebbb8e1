package workspace

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTargetsHaveTheSameFiles checks that each target is a folder with the same
// files, and that these declare the same names in the same order. A target adds
// files for its own parts.
func TestTargetsHaveTheSameFiles(t *testing.T) {
	t.Parallel()
	root, err := Root()
	require.NoError(t, err)
	entries, err := os.ReadDir(filepath.Join(root, "infra", "targets"))
	require.NoError(t, err)
	found := 0
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		found++
		for file, want := range map[string][]string{
			"target.go":   {"New", "Name", "Section", "Settings", "Platform", "ExistingImage", "Check"},
			"settings.go": {"Settings", "NewSettings"},
			"deploy.go":   {"Deploy"},
			"operate.go":  nil,
		} {
			path := filepath.Join(root, "infra", "targets", entry.Name(), file)
			got := declared(t, path, want)
			if file == "target.go" && !slices.Contains(got, "ExistingImage") {
				// Only clusters have it.
				want = slices.DeleteFunc(slices.Clone(want), func(name string) bool { return name == "ExistingImage" })
			}
			assert.Equal(t, want, got, path)
		}
	}
	assert.Equal(t, 6, found)
}

// declared returns those of the names that a file declares, in the file's order.
// Platforms counts as Platform.
func declared(t *testing.T, path string, names []string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var found []string
	add := func(name string) {
		if name == "Platforms" {
			name = "Platform"
		}
		if slices.Contains(names, name) {
			found = append(found, name)
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(d.Name.Name)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if s, ok := s.(*ast.TypeSpec); ok {
					add(s.Name.Name)
				}
			}
		}
	}
	return found
}
