package workspace

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// importsOf returns the imports of each package that matches the pattern,
// including the imports of its tests.
func importsOf(t *testing.T, pattern string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for pkg, imports := range listImports(t, pattern) {
		all[pkg] = slices.Concat(imports.Imports, imports.TestImports, imports.XTestImports)
	}
	return all
}

// packageImports is one package of `go list -json`.
type packageImports struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// listImports lists the imports of each package that matches the pattern with
// `go list`.
func listImports(t *testing.T, pattern string) map[string]packageImports {
	t.Helper()
	root, err := Root()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", pattern)
	cmd.Dir = root
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	all := map[string]packageImports{}
	dec := json.NewDecoder(out)
	for {
		var p packageImports
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		all[p.ImportPath] = p
	}
	require.NoError(t, cmd.Wait())
	require.NotEmpty(t, all)
	return all
}

// TestDependenciesPointOneWay checks the order of dependencies: infra → cloudinit →
// service.
func TestDependenciesPointOneWay(t *testing.T) {
	for folder, forbidden := range map[string][]string{
		"service":   {"escala/cloudinit", "escala/infra", "github.com/pulumi/"},
		"cloudinit": {"escala/infra", "github.com/pulumi/"},
	} {
		for pkg, imports := range importsOf(t, "./"+folder+"/...") {
			for _, one := range imports {
				for _, prefix := range forbidden {
					assert.False(t, strings.HasPrefix(one, prefix), "%s imports %s", pkg, one)
				}
			}
		}
	}
}

// workload is the target whose package deploys the service into managed
// clusters too.
const workload = "kubernetes"

// TestTargetsAreApart checks that targets never import each other; shared code is in
// infra/deploy. The one exception: a managed cluster uses the workload of the target
// kubernetes.
func TestTargetsAreApart(t *testing.T) {
	for pkg, imports := range importsOf(t, "./infra/targets/...") {
		target := targetOf(pkg)
		if target == "" {
			continue
		}
		for _, imported := range imports {
			other := targetOf(imported)
			assert.True(t, other == "" || other == target || other == workload, "%s imports %s", pkg, imported)
		}
	}
}

// targetOf returns the name of a package's target, or "" if it belongs to none.
func targetOf(pkg string) string {
	rest, below := strings.CutPrefix(pkg, "escala/infra/targets/")
	if !below {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// TestProductionImportsNoTestSupport checks that production packages import nothing
// below infra/testing.
func TestProductionImportsNoTestSupport(t *testing.T) {
	const testing = "escala/infra/testing/"
	for pkg, imports := range listImports(t, "./...") {
		if strings.HasPrefix(pkg, testing) {
			continue
		}
		for _, imported := range imports.Imports {
			assert.False(t, strings.HasPrefix(imported, testing), "%s imports %s", pkg, imported)
		}
	}
}
