package build

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// unpacked returns an archive's entries by name: a file's content and mode, a
// link's target.
func unpacked(t *testing.T, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	all := map[string]string{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		switch {
		case h.Typeflag == tar.TypeDir:
			all[h.Name] = "folder"
		case h.Typeflag == tar.TypeSymlink:
			all[h.Name] = "-> " + h.Linkname
		case h.Mode == 0o755:
			all[h.Name] = "program " + string(content)
		default:
			all[h.Name] = string(content)
		}
		assert.Zero(t, h.ModTime.Unix(), h.Name)
	}
}

func TestAFolderIsARelease(t *testing.T) {
	files := map[string]string{
		"Pulumi.yaml": "name: x\n", "stacks/Pulumi.local.yaml": "config:\n", "Makefile": "", "escala.mk": "",
		".escala/x": "", ".git/config": "", "app.py": "print()", "lib/a.py": "a", "lib/__pycache__/a.pyc": "x", "lib/.hidden": "x",
	}
	root := repository(t, files)
	require.NoError(t, os.Symlink("a.py", filepath.Join(root, "lib", "b.py")))
	require.NoError(t, os.WriteFile(filepath.Join(root, "run.sh"), []byte("#!/bin/sh\n"), 0o700))
	s := Source{Root: root, Name: "api", Program: service.Program{Folder: ".", Command: []string{"python3", "app.py"}}}
	assert.Empty(t, s.Check(t.Context(), amd64))
	built, err := s.Service(t.Context(), filepath.Join(root, ".escala"), amd64.Platforms[0])
	require.NoError(t, err)
	want := map[string]string{"app.py": "print()", "lib/": "folder", "lib/a.py": "a", "lib/b.py": "-> a.py", "run.sh": "program #!/bin/sh\n"}
	assert.Equal(t, want, unpacked(t, built.Path))

	t.Log("the same content is the same release, in another folder and with other times and modes")
	other := repository(t, files)
	require.NoError(t, os.Symlink("a.py", filepath.Join(other, "lib", "b.py")))
	require.NoError(t, os.WriteFile(filepath.Join(other, "run.sh"), []byte("#!/bin/sh\n"), 0o755))
	require.NoError(t, os.Chmod(filepath.Join(other, "app.py"), 0o644))
	s.Root = other
	again, err := s.Service(t.Context(), t.TempDir(), amd64.Platforms[0])
	require.NoError(t, err)
	assert.Equal(t, built.Release, again.Release)

	t.Log("only what is named")
	s.Program.Files = []string{"app.py", "lib/.hidden"}
	some, err := s.Service(t.Context(), t.TempDir(), amd64.Platforms[0])
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"app.py": "print()", "lib/": "folder", "lib/.hidden": "x"}, unpacked(t, some.Path))

	t.Log("a link that leads out of the release is refused")
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(other, "lib", "passwd")))
	s.Program.Files = nil
	_, err = s.Service(t.Context(), t.TempDir(), amd64.Platforms[0])
	require.ErrorContains(t, err, "packing lib/passwd: it is a link to /etc/passwd")
}

func TestFilesGoWithTheProgram(t *testing.T) {
	root := repository(t, map[string]string{"go.mod": "module m\n\ngo 1.26\n", "main.go": hello, "templates/a.html": "a"})
	s := Source{Root: root, Name: "api", Program: service.Program{Source: ".", Package: ".", Files: []string{"templates"}}}
	assert.Empty(t, s.Check(t.Context(), amd64))
	built, err := s.Service(t.Context(), filepath.Join(root, ".state"), amd64.Platforms[0])
	require.NoError(t, err)
	all := unpacked(t, built.Path)
	assert.Contains(t, all["api"], "program \x7fELF")
	delete(all, "api")
	assert.Equal(t, map[string]string{"templates/": "folder", "templates/a.html": "a"}, all)
}

func TestWhatIsNotInTheReleaseIsAViolation(t *testing.T) {
	root := repository(t, map[string]string{"app/app.py": "x", "app/server": "x"})
	image := Place{Platforms: amd64.Platforms}
	for name, test := range map[string]struct {
		program service.Program
		place   Place
		path    string
		what    string
	}{
		"no folder":        {service.Program{Folder: "other", Command: []string{"python3", "app.py"}}, amd64, "folder", `"other" is no folder`},
		"no file":          {service.Program{Folder: "app", Files: []string{"app.py", "static"}, Command: []string{"python3", "app.py"}}, amd64, "files", `"static" is not there`},
		"no such program":  {service.Program{Folder: "app", Command: []string{"./start"}}, amd64, "command", `"./start" is no file of the release`},
		"not executable":   {service.Program{Folder: "app", Command: []string{"./server"}}, amd64, "command", `"./server" cannot be executed: chmod +x it`},
		"folder, image":    {service.Program{Folder: "app", Command: []string{"python3", "app.py"}}, image, "folder", "name it in <cluster>.image"},
		"own files, image": {service.Program{Source: ".", Package: ".", Files: []string{"app"}}, image, "files", "name it in <cluster>.image"},
	} {
		t.Run(name, func(t *testing.T) {
			v := Source{Root: root, Name: "api", Program: test.program}.Check(t.Context(), test.place)
			require.Len(t, v, 1)
			assert.Equal(t, test.path, v[0].Path)
			assert.Contains(t, v[0].Problem, test.what)
		})
	}
}
