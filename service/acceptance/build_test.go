package acceptance

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the path of the module's folder.
const root = "../.."

// TestBuildIsStaticAndReproducible checks that builds in two folders with
// different names give the same static binary. It uses the Dockerfile's
// arguments. It builds for this processor, and with ESCALA_TEST for both, because
// the other one needs a compiled standard library.
func TestBuildIsStaticAndReproducible(t *testing.T) {
	t.Parallel()
	build, env := dockerBuild(t)
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	for arch := range machines {
		if arch != runtime.GOARCH && os.Getenv("ESCALA_TEST") == "" {
			continue
		}
		var hashes []string
		for _, folder := range []string{"first", "another/place"} {
			dir := filepath.Join(t.TempDir(), folder)
			copySource(t, dir)
			cmd := exec.Command("go", build...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), append(env, "GOOS=linux", "GOARCH="+arch)...)
			cmd.Args = append(cmd.Args[:len(cmd.Args)-1], "-o", "api", cmd.Args[len(cmd.Args)-1])
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			hashes = append(hashes, checkStatic(t, filepath.Join(dir, "api"), machines[arch], dir))
		}
		assert.Equal(t, hashes[0], hashes[1], arch)
		t.Logf("%s: %s", arch, hashes[0])
	}
}

// checkStatic checks that the binary is static, and returns its hash.
func checkStatic(t *testing.T, path string, machine elf.Machine, dir string) string {
	t.Helper()
	f, err := elf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	assert.Equal(t, machine, f.Machine)
	for _, p := range f.Progs {
		assert.NotEqual(t, elf.PT_INTERP, p.Type, "it needs no dynamic linker")
		assert.NotEqual(t, elf.PT_DYNAMIC, p.Type)
	}
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.NotContains(t, string(b), dir, "no path of the machine that built it")
	// The size was 24.6 MB while the linker kept unused code (see Arguments in
	// infra/build). Each machine fetches the binary, and each worker hashes it.
	assert.Less(t, len(b), 17<<20, "something calls methods by name again: text/template or reflect.Value.MethodByName")
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// dockerBuild reads the build's arguments and environment from the Dockerfile,
// so that the test builds as the image does. It leaves the output's path out.
func dockerBuild(t *testing.T) (args, env []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	text := strings.ReplaceAll(string(b), "\\\n", " ")
	line := regexp.MustCompile(`go (build .*) -ldflags '([^']*)' -o \S+ (\S+)`).FindStringSubmatch(text)
	require.NotNil(t, line, "no go build in the Dockerfile")
	args = append(strings.Fields(line[1]), "-ldflags", line[2], line[3])
	set := regexp.MustCompile(`(?m)^ENV (CGO_ENABLED=0 .*)$`).FindStringSubmatch(text)
	require.NotNil(t, set, "no ENV CGO_ENABLED=0 in the Dockerfile")
	return args, strings.Fields(set[1])
}

func TestDockerfileIsSafeAndUsesThisGo(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	text := string(b)
	assert.Contains(t, text, "ARG GO_VERSION="+strings.TrimPrefix(runtime.Version(), "go")+"\n", "another Go makes another hash")
	assert.Regexp(t, `(?m)^FROM scratch$`, text)
	assert.Regexp(t, `(?m)^USER [1-9][0-9]*:[1-9][0-9]*$`, text)
	assert.Regexp(t, `(?m)^HEALTHCHECK .*CMD \["/api", "health"\]$`, text)
	last := text[strings.LastIndex(text, "FROM "):]
	assert.NotContains(t, last, "RUN ", "there is nothing in the image that could run it")
}

// copySource copies the files that the Dockerfile copies.
func copySource(t *testing.T, to string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(to, 0o755))
	require.NoError(t, os.CopyFS(filepath.Join(to, "service"), os.DirFS(filepath.Join(root, "service"))))
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, name), b, 0o600))
	}
}
