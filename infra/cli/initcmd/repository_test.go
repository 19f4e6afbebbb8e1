package initcmd

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/infra/workspace"
)

const program = "package main\n\nfunc main() {}\n"

// repo returns the folder of a repository with these files.
func repo(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "my-api")
	for name, content := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return folder
}

// prepare runs init in a folder and returns its output.
func prepare(t *testing.T, folder string, flags ...string) (string, error) {
	t.Helper()
	c := Command(func() string { return "v0.0.0" })
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetArgs(append([]string{"--dir", folder}, flags...))
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

// clone makes this clone the home of the command.
func clone(t *testing.T) string {
	t.Helper()
	root, err := workspace.Root()
	require.NoError(t, err)
	t.Setenv(workspace.EnvHome, root)
	return root
}

// content returns all files below a folder. A folder that does not exist has none.
func content(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == folder {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path)
		all[name] = string(text)
		return err
	}))
	return all
}

func TestInitWritesWhatARepositoryNeeds(t *testing.T) {
	home := clone(t)
	folder := repo(t, map[string]string{"go.mod": "module example.com/team/shop/v2\n\ngo 1.26\n", "cmd/shop/main.go": program, "cmd/cron/main.go": program})
	said, err := prepare(t, folder)
	require.NoError(t, err)
	assert.Contains(t, said, "wrote      Pulumi.yaml\n")
	assert.NotContains(t, said, "Add this line")
	files := content(t, folder)
	assert.Contains(t, files["Pulumi.yaml"], "\nname: shop\n")
	assert.Contains(t, files["Pulumi.yaml"], "\n    binary: .escala/bin/escala\n")
	assert.Equal(t, home+"\n", files[".escala/clone"])
	assert.Equal(t, "/.escala/\n", files[".gitignore"])
	assert.True(t, includes([]byte(files["Makefile"])))

	stacks, err := filepath.Glob(filepath.Join(home, "stacks", "*"))
	require.NoError(t, err)
	for _, stack := range stacks {
		name := "stacks/" + filepath.Base(stack)
		var s struct{ Config map[string]any }
		require.NoError(t, yaml.Unmarshal([]byte(files[name]), &s), name)
		assert.Equal(t, map[string]any{"name": "shop", "runtime": "none", "package": "./cmd/shop"}, s.Config["escala:service"], name)
		own, err := os.ReadFile(stack)
		require.NoError(t, err)
		target := regexp.MustCompile(`(?m)^  escala:target: .*$`).Find(own)
		assert.Contains(t, files[name], string(target))
	}
}

// TestMakeAloneListsTheTargets checks that make without a target makes no machine,
// whatever else the Makefile has.
func TestMakeAloneListsTheTargets(t *testing.T) {
	clone(t)
	folder := repo(t, map[string]string{"go.mod": "module shop\n\ngo 1.26\n", "main.go": program, "Makefile": "include escala.mk\ntest:\n\tgo test ./...\n"})
	_, err := prepare(t, folder)
	require.NoError(t, err)
	listed, err := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-C", folder).CombinedOutput()
	require.NoError(t, err, "%s", listed)
	assert.Contains(t, string(listed), "make TARGET [STACK=local]")
	for _, target := range []string{"up", "plan", "rollback", "down", "shell"} {
		assert.Regexp(t, `(?m)^  `+target+` +[A-Z]`, string(listed))
	}
	assert.NotContains(t, string(listed), "Duration")
}

// TestARepositoryHasTheClonesTargets checks that whatever `make` does with a stack in a
// clone, it does in a repository of its own.
func TestARepositoryHasTheClonesTargets(t *testing.T) {
	target := regexp.MustCompile(`(?m)^([a-z-]+):.* ## .*$`)
	targets := func(file string) map[string]bool {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all := map[string]bool{}
		for _, m := range target.FindAllSubmatch(text, -1) {
			all[string(m[1])] = true
		}
		return all
	}
	own := targets("templates/escala.mk")
	// These develop escala, or are for a clone alone.
	for _, name := range []string{
		"help", "init", "boot-times", "test", "test-unit", "test-all", "test-rest", "test-cli", "tools", "lint", "format", "conformance",
		"bench", "bench-tutorial", "vulnerabilities", "release-snapshot", "clean",
	} {
		own[name] = true
	}
	for name := range targets("../../../Makefile") {
		assert.True(t, own[name], "escala.mk has no target %s", name)
	}
}

func TestInitAgainChangesNothingThatWasEdited(t *testing.T) {
	clone(t)
	folder := repo(t, map[string]string{"go.mod": "module shop\n\ngo 1.26\n", "main.go": program, "Makefile": "test:\n\tgo test ./...", ".gitignore": "/dist"})
	said, err := prepare(t, folder)
	require.NoError(t, err)
	assert.Contains(t, said, "kept       Makefile\n")
	assert.Contains(t, said, "Add this line to it:\n  include escala.mk\n")
	first := content(t, folder)
	assert.Equal(t, "test:\n\tgo test ./...", first["Makefile"])
	assert.Equal(t, "/dist\n/.escala/\n", first[".gitignore"])

	said, err = prepare(t, folder)
	require.NoError(t, err)
	assert.NotContains(t, said, "wrote")
	assert.NotContains(t, said, "updated")
	assert.Equal(t, first, content(t, folder))

	t.Log("what was edited stays; what was not follows escala")
	stack := filepath.Join(folder, "stacks", "Pulumi.local.yaml")
	edit := strings.Replace(first["stacks/Pulumi.local.yaml"], "name: shop", "name: web", 1)
	require.NoError(t, os.WriteFile(stack, []byte(edit), 0o600))
	older := stamped([]byte("# an older escala's\n"))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "escala.mk"), older, 0o600))
	said, err = prepare(t, folder)
	require.NoError(t, err)
	assert.Contains(t, said, "kept       stacks/Pulumi.local.yaml\n")
	assert.Contains(t, said, "updated    escala.mk\n")
	first["stacks/Pulumi.local.yaml"] = edit
	assert.Equal(t, first, content(t, folder))
}

func TestInitSaysWhatIsMissing(t *testing.T) {
	home := clone(t)
	one := func() string {
		return repo(t, map[string]string{"go.mod": "module shop\n\ngo 1.26\n", "main.go": program})
	}
	// A server that answers every path with its own page.
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>sign in</html>\n"))
	}))
	defer page.Close()
	for name, test := range map[string]struct {
		folder string
		flags  []string
		want   string
	}{
		"the clone":                          {home, nil, "this is the clone of escala"},
		"no folder":                          {filepath.Join(t.TempDir(), "shop"), nil, "does not exist; make it with the program in it"},
		"a file":                             {filepath.Join(one(), "main.go"), nil, "is not a folder"},
		"no folder of the program":           {repo(t, map[string]string{"app.py": ""}), []string{"--command", "python3 app.py", "--folder", "app"}, "app does not exist; --folder names it"},
		"no module":                          {repo(t, map[string]string{"main.go": program}), nil, "has no go.mod: `go mod init"},
		"no program":                         {repo(t, map[string]string{"go.mod": "module m\n\ngo 1.26\n", "m.go": "package m\n"}), nil, "has no program yet"},
		"several programs":                   {repo(t, map[string]string{"go.mod": "module m\n\ngo 1.26\n", "cmd/a/main.go": program, "cmd/b/main.go": program}), nil, "choose one: --package ./cmd/a, ./cmd/b"},
		"a name that is more than a name":    {one(), []string{"--name", "shop\nruntime: nodejs"}, `is not a name of 1 to 32 lower-case letters`},
		"archives that anybody could change": {one(), []string{"--archives", "http://escala.example/v1"}, "is not the https:// URL of a folder"},
		"archives that make would run":       {one(), []string{"--archives", "https://escala.example/$(shell id)"}, "is not the https:// URL of a folder"},
		"no checksums":                       {one(), []string{"--archives", page.URL}, "is no list of SHA-256 checksums"},
	} {
		t.Run(name, func(t *testing.T) {
			before := map[string]string{}
			if test.folder != home {
				before = content(t, test.folder)
			}
			_, err := prepare(t, test.folder, test.flags...)
			require.ErrorContains(t, err, test.want)
			if test.folder != home {
				assert.Equal(t, before, content(t, test.folder))
			}
		})
	}
}

func TestNamesOfServices(t *testing.T) {
	for module, want := range map[string]string{
		"example.com/my-api": "my-api", "example.com/shop/v2": "shop", "gopkg.in/yaml.v3": "yaml-v3", "example.com/My_API": "my-api",
		"example.com/123": "api", "x/" + strings.Repeat("a", 40): strings.Repeat("a", 32),
	} {
		assert.Equal(t, want, label(moduleName(module)), module)
	}
}

// TestWorkflowsUseTheClonesActions checks that the actions are those of the clone's
// own workflows, which Dependabot renews.
func TestWorkflowsUseTheClonesActions(t *testing.T) {
	home := clone(t)
	uses := regexp.MustCompile(`uses: (\S+@[0-9a-f]{40} # v\S+)`)
	own := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(home, ".github", "workflows", "*.yml"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range uses.FindAllStringSubmatch(string(text), -1) {
			own[m[1]] = true
		}
	}
	for _, name := range []string{"escala-plan.yml", "escala-deploy.yml"} {
		text, err := Repository{Version: "0123"}.render(name)
		require.NoError(t, err)
		found := uses.FindAllStringSubmatch(string(text), -1)
		require.NotEmpty(t, found)
		for _, m := range found {
			assert.True(t, own[m[1]], "%s: %s", name, m[1])
		}
		assert.NotContains(t, string(text), "[[")
		assert.NotRegexp(t, `(?m)^ +run: .*\$\{\{`, string(text), "values come by env")
		var w struct {
			Permissions map[string]any
			Jobs        map[string]any
		}
		require.NoError(t, yaml.Unmarshal(text, &w))
		assert.NotNil(t, w.Permissions)
		assert.NotEmpty(t, w.Jobs)
	}
}

// archive makes a release's archive of escala, whose program prints "escala".
func archive(t *testing.T, folder, name string) {
	t.Helper()
	work := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(work, "escala"), []byte("#!/bin/sh\necho escala \"$@\"\n"), 0o755))
	out, err := exec.CommandContext(t.Context(), "tar", "-C", work, "-czf", filepath.Join(folder, name), "escala").CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestMakeFindsAReleaseByItsChecksum checks that a repository without a clone takes
// escala from a release's archives, by version and checksum.
func TestMakeFindsAReleaseByItsChecksum(t *testing.T) {
	home := clone(t)
	for _, name := range []string{"make", "curl", "tar", "sha256sum"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("there is no %s", name)
		}
	}
	served := t.TempDir()
	server := httptest.NewServer(http.FileServer(http.Dir(served)))
	defer server.Close()
	uname := func(flag string) string {
		out, err := exec.CommandContext(t.Context(), "uname", flag).Output()
		require.NoError(t, err)
		return strings.TrimSpace(string(out))
	}
	arch := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[uname("-m")]
	name := "escala_v1.2.3_" + strings.ToLower(uname("-s")) + "_" + arch + ".tar.gz"
	archive(t, served, name)
	sums := exec.CommandContext(t.Context(), "sha256sum", name)
	sums.Dir = served
	text, err := sums.Output()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(served, "checksums.txt"), text, 0o600))

	folder := repo(t, map[string]string{"go.mod": "module shop\n\ngo 1.26\n", "main.go": program})
	r := Repository{Folder: folder, Home: workspace.Home{Folder: home, Built: true}, Version: "v1.2.3", Archives: server.URL}
	require.NoError(t, r.complete(t.Context()))
	files, err := r.Files()
	require.NoError(t, err)
	for _, f := range files {
		_, err := f.write(folder)
		require.NoError(t, err)
	}
	run := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), "make", "--silent", "up")
		cmd.Dir = folder
		// A make that runs this test must not affect this one.
		cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "STACK=local")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run()
	require.NoError(t, err, out)
	assert.Equal(t, "escala --stack local up\n", out)
	target, err := os.Readlink(filepath.Join(folder, ".escala", "bin", "pulumi-resource-escala"))
	require.NoError(t, err)
	assert.Equal(t, "escala", target)

	t.Log("another archive under the same name is refused")
	require.NoError(t, os.RemoveAll(filepath.Join(folder, ".escala")))
	require.NoError(t, os.WriteFile(filepath.Join(served, name), []byte("something else"), 0o600))
	out, err = run()
	require.Error(t, err)
	assert.Contains(t, out, "FAILED")
	assert.NoFileExists(t, filepath.Join(folder, ".escala", "bin", "escala"))
}

func TestInitTellsTheRuntime(t *testing.T) {
	clone(t)
	for name, test := range map[string]struct {
		files map[string]string
		flags []string
		want  map[string]any
	}{
		"plain net/http": {
			map[string]string{"go.mod": "module m\n\ngo 1.26\n", "main.go": program},
			nil,
			map[string]any{"name": "m", "runtime": "none", "package": "."},
		},
		"escala's": {
			map[string]string{"go.mod": "module m\n\ngo 1.26\n\nrequire (\n\tescala v0.0.0-00010101000000-000000000000\n)\n", "main.go": program},
			nil,
			map[string]any{"name": "m", "runtime": "escala", "package": "."},
		},
		"Python": {
			map[string]string{"app/app.py": "x"},
			[]string{"--command", "python3 app.py", "--folder", "app"},
			map[string]any{"name": "my-api", "runtime": "none", "folder": "app", "command": []any{"python3", "app.py"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := repo(t, test.files)
			_, err := prepare(t, folder, test.flags...)
			require.NoError(t, err)
			var s struct{ Config map[string]any }
			require.NoError(t, yaml.Unmarshal([]byte(content(t, folder)["stacks/Pulumi.local.yaml"]), &s))
			assert.Equal(t, test.want, s.Config["escala:service"])
		})
	}
}
