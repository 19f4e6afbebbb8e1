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

// importsOf are the imports of each package below a folder, tests' too.
func importsOf(t *testing.T, pattern string) map[string][]string {
	t.Helper()
	root, err := Root()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", pattern)
	cmd.Dir = root
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	all := map[string][]string{}
	dec := json.NewDecoder(out)
	for {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		all[p.ImportPath] = slices.Concat(p.Imports, p.TestImports, p.XTestImports)
	}
	require.NoError(t, cmd.Wait())
	require.NotEmpty(t, all)
	return all
}

// The dependencies point one way: infra → cloudinit → service.
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

// rooms are the targets, and what builds clusters for one of them.
var rooms = []string{"aws", "digitalocean", "local", "kubernetes", "eks", "doks"}

// shared is what hands a cluster to the one workload that runs on it.
var shared = map[string]string{"eks": "kubernetes", "doks": "kubernetes"}

// Rooms never import each other: what they share is a package of its own.
func TestRoomsAreApart(t *testing.T) {
	for pkg, imports := range importsOf(t, "./infra/...") {
		room := roomOf(pkg)
		if room == "" {
			continue
		}
		for _, one := range imports {
			other := roomOf(one)
			assert.True(t, other == "" || other == room || shared[room] == other, "%s imports %s", pkg, one)
		}
	}
}

func roomOf(pkg string) string {
	rest, ok := strings.CutPrefix(pkg, "escala/infra/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	if slices.Contains(rooms, name) {
		return name
	}
	return ""
}
