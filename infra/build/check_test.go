package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

var amd64 = Place{Platforms: []Platform{{OS: "linux", Arch: "amd64"}}, Libraries: true}

// repository returns the folder of a repository with programs at these paths.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return root
}

func TestASourceThatCannotBeBuiltIsAViolation(t *testing.T) {
	root := repository(t, map[string]string{
		"project/Pulumi.yaml":     "name: x\n",
		"my-api/go.mod":           "module example.com/my-api\n\ngo 1.26\n",
		"my-api/cmd/api/main.go":  hello,
		"my-api/cmd/cron/main.go": hello,
		"my-api/lib/lib.go":       "package lib\n",
		"my-api/empty/README":     "nothing\n",
		"plain/main.go":           hello,
	})
	project := filepath.Join(root, "project")
	for name, test := range map[string]struct {
		program service.Program
		path    string
		what    []string
	}{
		"a program":           {service.Program{Source: "../my-api", Package: "./cmd/api"}, "", nil},
		"no folder":           {service.Program{Source: "../your-api", Package: "."}, "source", []string{`"../your-api" is not there`}},
		"a file":              {service.Program{Source: "Pulumi.yaml", Package: "."}, "source", []string{"is a file"}},
		"no go.mod":           {service.Program{Source: "../plain", Package: "."}, "source", []string{"has no go.mod: `go mod init`"}},
		"go.mod above":        {service.Program{Source: "../my-api/cmd", Package: "./api"}, "source", []string{"service.source: ../my-api, service.package: ./cmd/api"}},
		"no program":          {service.Program{Source: "../my-api", Package: "./lib"}, "package", []string{"is the package lib and not a program", "./cmd/api, ./cmd/cron"}},
		"no Go file":          {service.Program{Source: "../my-api", Package: "./empty"}, "package", []string{"is no package", "./cmd/api, ./cmd/cron"}},
		"no such folder":      {service.Program{Source: "../my-api", Package: "./cmd/app"}, "package", []string{"is no package", "./cmd/api, ./cmd/cron"}},
		"the module's folder": {service.Program{Source: "../my-api", Package: "."}, "package", []string{"is no package", "./cmd/api, ./cmd/cron"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := Source{Root: project, Program: test.program}.Check(t.Context(), amd64)
			if test.path == "" {
				assert.Empty(t, v)
				return
			}
			require.Len(t, v, 1)
			assert.Equal(t, test.path, v[0].Path)
			for _, what := range test.what {
				assert.Contains(t, v[0].Problem, what)
			}
		})
	}
	left, err := os.ReadDir(project)
	require.NoError(t, err)
	assert.Len(t, left, 1, "a check writes nothing")
}

func TestASourceOutsideTheProjectIsBuilt(t *testing.T) {
	root := repository(t, map[string]string{
		"my-api/go.mod":          "module example.com/my-api\n\ngo 1.26\n",
		"my-api/cmd/api/main.go": hello,
	})
	s := Source{Root: filepath.Join(root, "project"), Program: service.Program{Source: "../my-api", Package: "./cmd/api"}}
	state := filepath.Join(root, "state")
	built, err := s.Service(t.Context(), state, amd64.Platforms[0])
	require.NoError(t, err)
	t.Log("the same bytes as a binary that was built before")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "project", "dist"), 0o755))
	require.NoError(t, os.Link(built.Path, filepath.Join(root, "project", "dist", "api-amd64")))
	s.Program = service.Program{Binary: "./dist/api-{arch}"}
	assert.Empty(t, s.Check(t.Context(), amd64))
	assert.Empty(t, s.Check(t.Context(), Place{Platforms: amd64.Platforms}), "it is static")
	taken, err := s.Service(t.Context(), filepath.Join(root, "other"), amd64.Platforms[0])
	require.NoError(t, err)
	assert.Equal(t, built.Release, taken.Release)
	assert.FileExists(t, taken.Path)
}

func TestABinaryThatCannotRunThereIsAViolation(t *testing.T) {
	root := repository(t, map[string]string{"m/go.mod": "module m\n\ngo 1.26\n", "m/main.go": hello, "script": "#!/bin/sh\n"})
	arm := filepath.Join(root, "api-arm64")
	b, err := goModule{root: filepath.Join(root, "m"), usersModule: true}.program(t.Context(), filepath.Join(root, "state"), ".", Platform{OS: "linux", Arch: "arm64"})
	require.NoError(t, err)
	require.NoError(t, os.Link(b.Path, arm))
	both := Place{Platforms: []Platform{{OS: "linux", Arch: "arm64"}, {OS: "linux", Arch: "amd64"}}}
	for name, test := range map[string]struct {
		binary string
		place  Place
		what   string
	}{
		"missing":            {"./none", amd64, `"./none" is not there`},
		"a script":           {"script", amd64, `"script" is no Linux program`},
		"other architecture": {"api-arm64", amd64, "is for linux/arm64, and it is to run on linux/amd64: build it with GOOS=linux GOARCH=amd64"},
		"one for two":        {"api-arm64", both, `one file for each architecture is named with {arch}: "./dist/api-{arch}"`},
		"one is missing":     {"api-{arch}", both, `"api-amd64" is not there`},
	} {
		t.Run(name, func(t *testing.T) {
			v := Source{Root: root, Program: service.Program{Binary: test.binary}}.Check(t.Context(), test.place)
			require.Len(t, v, 1)
			assert.Equal(t, "binary", v[0].Path)
			assert.Contains(t, v[0].Problem, test.what)
		})
	}
}

// TestLibrariesThatTheMachineLacksAreAViolation checks C programs of this computer's
// compiler, which are linked dynamically.
func TestLibrariesThatTheMachineLacksAreAViolation(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		if testing.Short() {
			t.Skip("there is no gcc")
		}
		t.Fatal("there is no gcc")
	}
	here := Place{Platforms: []Platform{{OS: "linux", Arch: runtime.GOARCH}}, Libraries: true}
	root := repository(t, map[string]string{
		"main.c": "int answer(void);\nint main(void) { return answer(); }\n",
		"lib.c":  "int answer(void) { return 42; }\n",
		"own.c":  "#include <stdio.h>\nint main(void) { return puts(\"hi\"); }\n",
	})
	gcc := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "gcc", args...)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	gcc("-o", "own", "own.c")
	gcc("-static", "-o", "static", "own.c")
	gcc("-shared", "-fPIC", "-o", "libanswer.so", "lib.c")
	gcc("-o", "foreign", "main.c", "./libanswer.so")
	gcc("-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1", "-o", "musl", "own.c")
	check := func(binary string, place Place) string {
		return Source{Root: root, Program: service.Program{Binary: binary}}.Check(t.Context(), place).Error()
	}
	image := Place{Platforms: here.Platforms}
	assert.Empty(t, check("own", here), "Debian has libc")
	assert.Empty(t, check("static", here))
	assert.Empty(t, check("static", image))
	assert.Contains(t, check("own", image), "is linked against libc.so.6, /lib")
	assert.Contains(t, check("foreign", here), "is linked against ./libanswer.so, which the machine does not have")
	assert.Contains(t, check("musl", here), "starts with /lib/ld-musl-x86_64.so.1, which Debian does not have")
	assert.Contains(t, check("libanswer.so", here), "is a library or an object file and no program")
}

func TestVersionsOfGlibc(t *testing.T) {
	for version, want := range map[string]bool{
		"GLIBC_2.36": false, "GLIBC_2.4": false, "GLIBC_2.2.5": false, "GLIBC_2.37": true, "GLIBC_3.0": true,
		"GLIBC_ABI_DT_RELR": false, "GCC_4.2.0": false,
	} {
		assert.Equal(t, want, newer(version), version)
	}
}
