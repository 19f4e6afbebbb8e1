package workspace

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheCommandIsForMacOS checks the types of all packages of the command escala
// for macOS. Of their imports, only the standard library and x/sys are compiled for
// macOS: the clouds' SDKs would take minutes and are the same.
func TestTheCommandIsForMacOS(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the clouds' SDKs compiled")
	}
	list := func(environment []string, format string, patterns ...string) []string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps", "-f", format}, patterns...)...)
		cmd.Env, cmd.Stderr = append(os.Environ(), environment...), os.Stderr
		out, err := cmd.Output()
		require.NoError(t, err)
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	exported := func(environment []string, paths []string) map[string]string {
		t.Helper()
		files := map[string]string{}
		for _, line := range list(environment, "{{.ImportPath}} {{.Export}}", append([]string{"-export"}, paths...)...) {
			if path, file, ok := strings.Cut(line, " "); ok {
				files[path] = file
			}
		}
		return files
	}
	macOS := []string{"GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=0"}
	const command = "escala/infra/cmd/escala"
	var own, system []string
	for _, line := range list(macOS, `{{if .Standard}}std{{else if eq .Module.Path "escala"}}own{{else}}{{.Module.Path}}{{end}} {{.ImportPath}} {{.Dir}} {{join .GoFiles " "}}`, command) {
		switch fields := strings.Fields(line); fields[0] {
		case "own":
			own = append(own, line)
		case "std", "golang.org/x/sys":
			system = append(system, fields[1])
		}
	}
	exports := exported(nil, []string{command})
	maps.Copy(exports, exported(macOS, system))

	files := token.NewFileSet()
	found := imports{map[string]*types.Package{}, importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("macOS has no package %s", path)
		}
		return os.Open(exports[path])
	})}
	for _, line := range own {
		fields := strings.Fields(line)
		var parsed []*ast.File
		for _, name := range fields[3:] {
			f, err := parser.ParseFile(files, filepath.Join(fields[2], name), nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			parsed = append(parsed, f)
		}
		config := types.Config{Importer: found, Sizes: types.SizesFor("gc", "arm64"), Error: func(err error) { assert.NoError(t, err) }}
		found.own[fields[1]], _ = config.Check(fields[1], files, parsed, nil)
	}
	assert.Contains(t, found.own, command)
}

// imports finds packages among the checked ones, and otherwise among the compiled
// ones.
type imports struct {
	own      map[string]*types.Package
	compiled types.Importer
}

func (i imports) Import(path string) (*types.Package, error) {
	if p := i.own[path]; p != nil {
		return p, nil
	}
	return i.compiled.Import(path)
}
