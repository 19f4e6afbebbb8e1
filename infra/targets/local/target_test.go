package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/testing/pulumitest"
	"escala/infra/workspace"
	"escala/service"
)

// request returns a request in a clone with minimal programs.
func request(t *testing.T, name string) deploy.Request {
	t.Helper()
	clone := t.TempDir()
	for path, content := range map[string]string{
		"go.mod":                                "module escala\n\ngo 1.26\n",
		"infra/targets/local/forwarder/main.go": "package main\n\nfunc main() {}\n",
		"infra/targets/local/authority/main.go": "package main\n\nfunc main() {}\n",
	} {
		full := filepath.Join(clone, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, []byte(content), 0o600))
	}
	spec := service.NewSpec()
	spec.Name = name
	return deploy.Request{
		Spec: spec, Stack: "local", State: filepath.Join(clone, ".escala"), Home: workspace.Home{Folder: clone},
		Release: build.Release{Release: service.Release{ID: service.ReleaseID(strings.Repeat("ab", 32)), Size: 1}},
		Agent:   build.Release{Release: service.Release{ID: service.ReleaseID(strings.Repeat("0e", 32)), Size: 7}, Path: "agent"},
	}
}

// TestARenamedServiceKeepsItsAddress checks that another name does not replace the
// address. There is one port, and a new address could use it only after the old one
// is deleted.
func TestARenamedServiceKeepsItsAddress(t *testing.T) {
	for _, name := range []string{"api", "web"} {
		m := &pulumitest.Mocks{}
		require.NoError(t, m.Preview(New(), request(t, name)))
		addresses := m.OfType("escala:local:Address")
		require.Len(t, addresses, 1)
		assert.Equal(t, "address", addresses[0].Name)
	}
}
