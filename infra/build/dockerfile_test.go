package build

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// TestTheDockerfileBuildsTheSameRelease checks the Dockerfile's own command, with
// its environment and only the files that it copies.
func TestTheDockerfileBuildsTheSameRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the service")
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	release, err := Service(t.Context(), root, t.TempDir(), Platform{OS: "linux", Arch: runtime.GOARCH})
	require.NoError(t, err)

	content, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	dockerfile := strings.ReplaceAll(string(content), "\\\n", " ")
	command := regexp.MustCompile(`GOOS=\S+ GOARCH=\S+ +go build .*`).FindString(dockerfile)
	require.NotEmpty(t, command, "the Dockerfile has no go build")
	environment := regexp.MustCompile(`(?m)^ENV (CGO_ENABLED=.*)$`).FindStringSubmatch(dockerfile)
	require.NotNil(t, environment, "the Dockerfile says nothing of Go's environment")

	src, out := t.TempDir(), filepath.Join(t.TempDir(), "api")
	copied := regexp.MustCompile(`(?m)^COPY (go\.mod go\.sum|service) \./`).FindAllStringSubmatch(dockerfile, -1)
	require.Len(t, copied, 2, "the Dockerfile copies something else than go.mod, go.sum and service")
	for _, name := range []string{"go.mod", "go.sum"} {
		copyFile(t, filepath.Join(root, name), filepath.Join(src, name))
	}
	require.NoError(t, filepath.WalkDir(filepath.Join(root, "service"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case d.IsDir() || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		copyFile(t, path, filepath.Join(src, relative))
		return nil
	}))

	// The shell runs a Dockerfile's command.
	build := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(command, "/out/api", out))
	build.Dir = src
	build.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+runtime.GOARCH)
	build.Env = append(build.Env, strings.Fields(environment[1])...)
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))
	built, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Equal(t, release.Release, service.ReleaseOf(built))
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
	require.NoError(t, os.WriteFile(to, content, 0o600))
}
