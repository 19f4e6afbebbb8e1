package host

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent"
	"escala/service"
)

func TestStartOfARelease(t *testing.T) {
	folder := t.TempDir()
	binary, files := filepath.Join(folder, "api"), filepath.Join(folder, "files")
	require.NoError(t, os.Mkdir(files, 0o755))
	require.NoError(t, os.WriteFile(binary, nil, 0o755))
	for name, test := range map[string]struct {
		command       []string
		program, name string
		want          started
	}{
		"escala's runtime":            {nil, binary, "/current/api", started{binary, []string{"/current/api", "serve"}, "/"}},
		"escala's runtime, files":     {nil, files, "/current/files", started{filepath.Join(files, "api"), []string{"/current/files/api", "serve"}, files}},
		"any program":                 {[]string{"./api", "-v"}, binary, "/current/api", started{binary, []string{"/current/api", "-v"}, folder}},
		"any program, files":          {[]string{"./bin/api"}, files, "/current/files", started{filepath.Join(files, "bin/api"), []string{"/current/files/bin/api"}, files}},
		"a program of the machine":    {[]string{"sh", "run.sh"}, files, "/current/files", started{"", []string{"sh", "run.sh"}, files}},
		"a program that is not there": {[]string{"no-such-program"}, files, "/current/files", started{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := startOf(agent.Config{Name: "api", Command: test.command}, test.program, test.name)
			if test.want.folder == "" {
				require.ErrorContains(t, err, "no-such-program")
				return
			}
			require.NoError(t, err)
			if test.want.path == "" {
				test.want.path, err = exec.LookPath("sh")
				require.NoError(t, err)
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestANoteNamesAProcessOfItsWriterAlone(t *testing.T) {
	r := Root(t.TempDir())
	path := r.notePath(0)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	release := service.ReleaseID(strings.Repeat("a", 64))
	require.NoError(t, r.writeNote(0, release))
	assert.Equal(t, note{Process: processName(os.Getpid()), PID: os.Getpid(), Release: release}, r.readNote(0))

	write := func(n note) {
		t.Helper()
		content, err := json.Marshal(n)
		require.NoError(t, err)
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.WriteFile(path, content, 0o600))
	}
	write(note{Process: "1-1", PID: os.Getpid(), Release: release})
	assert.Zero(t, r.readNote(0), "another process had this number")
	write(note{Process: processName(1), PID: 1, Release: release})
	assert.Zero(t, r.readNote(0), "init is no worker")
	if os.Getuid() == 0 {
		write(note{Process: processName(os.Getpid()), PID: os.Getpid(), Release: release})
		require.NoError(t, os.Chown(path, 65534, 65534))
		assert.Zero(t, r.readNote(0), "another account's process")
	}
	require.NoError(t, os.Remove(path))
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	assert.Zero(t, r.readNote(0), "a pipe holds nothing up")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink("/dev/zero", path))
	assert.Zero(t, r.readNote(0), "a link is not followed")
	assert.Zero(t, r.readNote(1))
}

// TestAPreflightWaitsForThePackages checks a new machine, which has its agent before
// the packages that the program needs.
func TestAPreflightWaitsForThePackages(t *testing.T) {
	r := Root(t.TempDir())
	w := Workers{Root: r, Config: agent.Config{Name: "api", Packages: true}}
	ctx, cancel := context.WithTimeout(t.Context(), 2*packagesEvery)
	defer cancel()
	err := w.awaitPackages(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "waiting for the packages of service.packages")

	path := r.path(SetUpFile)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, w.awaitPackages(t.Context()))
	w.Config.Packages, w.Root = false, Root(t.TempDir())
	require.NoError(t, w.awaitPackages(t.Context()), "a program without packages does not wait")
}
