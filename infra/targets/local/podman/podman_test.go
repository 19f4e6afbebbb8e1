package podman

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sleeper returns a root file system with one program, which sleeps.
func sleeper(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	source := filepath.Join(folder, "main.go")
	require.NoError(t, os.WriteFile(source, []byte("package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n"), 0o600))
	rootfs := filepath.Join(folder, "rootfs")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(rootfs, "sleep"), source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return rootfs
}

// open returns podman with its state in the test's own folder.
func open(t *testing.T) Podman {
	t.Helper()
	if _, err := exec.LookPath("podman"); err != nil || os.Getuid() != 0 || testing.Short() {
		t.Skip("runs containers, which takes podman and root")
	}
	// Podman's paths may have at most 50 characters.
	folder, err := os.MkdirTemp("", "podman")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(folder)) })
	return openIn(t, folder)
}

// openIn returns podman with its state in a folder of the test.
func openIn(t *testing.T, folder string) Podman {
	t.Helper()
	p := Podman{Folder: folder}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		names, err := p.Containers(ctx)
		assert.NoError(t, err)
		for _, name := range names {
			assert.NoError(t, p.Remove(ctx, name, 0))
		}
		assert.NoError(t, p.RemoveWhenUnused(ctx))
		// Podman mounts its storage folder onto itself.
		_ = syscall.Unmount(filepath.Join(p.Folder, "storage", "overlay"), 0)
	})
	return p
}

// TestAContainerWithoutItsMonitorIsStartedAgain checks that such a container
// starts and keeps its changes. Podman itself would treat it as running for
// ever.
func TestAContainerWithoutItsMonitorIsStartedAgain(t *testing.T) {
	p := open(t)
	require.NoError(t, p.Run(t.Context(), Container{Name: "c", RootFS: sleeper(t), Network: "host", OpenFiles: 1024, Command: []string{"/sleep"}}))
	before, err := p.Inspect(t.Context(), "c")
	require.NoError(t, err)
	require.True(t, before.Running)

	out, err := p.run(t.Context(), "container", "inspect", "--format", "{{.State.ConmonPid}}", "c")
	require.NoError(t, err)
	monitor, err := strconv.Atoi(strings.TrimSpace(out))
	require.NoError(t, err)
	for _, pid := range []int{monitor, before.PID} {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	require.Eventually(t, func() bool { return syscall.Kill(before.PID, 0) != nil }, 10*time.Second, 10*time.Millisecond)

	gone, err := p.Inspect(t.Context(), "c")
	require.NoError(t, err)
	assert.True(t, gone.Exists)
	assert.False(t, gone.Running)
	require.NoError(t, p.Start(t.Context(), "c"))
	after, err := p.Inspect(t.Context(), "c")
	require.NoError(t, err)
	assert.True(t, after.Running)
	assert.NotEqual(t, before.PID, after.PID)
}

// TestAfterABootNothingRuns checks that after a reboot no container counts as
// running, although podman's files say so.
func TestAfterABootNothingRuns(t *testing.T) {
	p := Podman{Folder: t.TempDir()}
	alive := filepath.Join(p.Folder, "tmp", "alive")
	require.NoError(t, os.MkdirAll(filepath.Dir(alive), 0o755))
	require.NoError(t, os.WriteFile(alive, nil, 0o600))
	require.NoError(t, p.detectReboot())
	assert.FileExists(t, alive, "the first time says nothing of a boot")
	require.NoError(t, p.detectReboot())
	assert.FileExists(t, alive)
	require.NoError(t, os.WriteFile(filepath.Join(p.Folder, "boot"), []byte("another boot"), 0o600))
	require.NoError(t, p.detectReboot())
	assert.NoFileExists(t, alive, "podman takes every container for stopped without it")
}

// TestALeaseOfNobody checks that a machine starts although podman still has the
// lease of a container whose creation was interrupted.
func TestALeaseOfNobody(t *testing.T) {
	p := open(t)
	network, err := p.EnsureNetwork(t.Context())
	require.NoError(t, err)
	first, err := p.FreeIP(t.Context(), network)
	require.NoError(t, err)
	c := Container{Name: "c", RootFS: sleeper(t), Network: network.Name, IP: first, OpenFiles: 1024, Command: []string{"/sleep"}}
	require.NoError(t, p.Run(t.Context(), c))
	c.Name = "d"
	err = p.Run(t.Context(), c)
	require.Error(t, err)
	assert.True(t, Leased(err), "%v", err)
	next, err := p.FreeIP(t.Context(), network, first)
	require.NoError(t, err)
	assert.NotEqual(t, first, next)
	c.IP = next
	require.NoError(t, p.Run(t.Context(), c))
}

// TestOnlyAMissingContainerIsNotFound checks that another failure does not count
// as a missing container: its files would be removed while it runs.
func TestOnlyAMissingContainerIsNotFound(t *testing.T) {
	t.Parallel()
	for stderr, want := range map[string]bool{
		`Error: no such container "c"`:                                                  true,
		`Error: inspecting object: no such container c`:                                 true,
		`Error: no container with name or ID "c" found: no such container`:              true,
		`Error: network n: unable to find network with name or ID n: network not found`: true,
		`Error: open /s/tmp/alive.lck: no such file or directory`:                       false,
		`Error: stat /s/storage/overlay: no such file or directory`:                     false,
		`Error: runc: no such process`:                                                  false,
	} {
		assert.Equal(t, want, notFound(&Error{Command: "inspect", Stderr: stderr, Err: os.ErrInvalid}), stderr)
	}
}

func TestALongPathHasAShortRunRoot(t *testing.T) {
	short := Podman{Folder: "/home/anna/shop/.escala/podman"}
	assert.Equal(t, "/home/anna/shop/.escala/podman/run", short.runRoot())
	long := Podman{Folder: "/home/anna/src/github.com/acme/shop/.escala/podman"}
	other := Podman{Folder: "/home/anna/src/github.com/acme/web/.escala/podman"}
	assert.LessOrEqual(t, len(long.runRoot()), longestRunRoot)
	assert.NotEqual(t, long.runRoot(), other.runRoot())
}

// TestLeasesOfAnotherBootAreForgotten checks that only leases of another boot are
// removed. The machines of other clones need the leases of this boot.
func TestLeasesOfAnotherBootAreForgotten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ipam.db")
	require.NoError(t, removeLeases(path), "there are none")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, removeLeases(path))
	assert.FileExists(t, path)
	before := time.Now().Add(-100 * 365 * 24 * time.Hour)
	require.NoError(t, os.Chtimes(path, before, before))
	require.NoError(t, removeLeases(path))
	assert.NoFileExists(t, path)
}

// TestAContainerIsStartedAfterABoot simulates a boot on a host that has /run on a
// disk: the processes are gone, but podman's and runc's files are not.
func TestAContainerIsStartedAfterABoot(t *testing.T) {
	p := open(t)
	require.NoError(t, p.Run(t.Context(), Container{Name: "c", RootFS: sleeper(t), Network: "host", OpenFiles: 1024, Command: []string{"/sleep"}}))
	before, err := p.Inspect(t.Context(), "c")
	require.NoError(t, err)
	out, err := p.run(t.Context(), "container", "inspect", "--format", "{{.State.ConmonPid}}", "c")
	require.NoError(t, err)
	monitor, err := strconv.Atoi(strings.TrimSpace(out))
	require.NoError(t, err)
	for _, pid := range []int{monitor, before.PID} {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	require.Eventually(t, func() bool { return syscall.Kill(before.PID, 0) != nil }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, os.WriteFile(filepath.Join(p.Folder, "boot"), []byte("another boot"), 0o600))

	gone, err := p.Inspect(t.Context(), "c")
	require.NoError(t, err)
	assert.True(t, gone.Exists)
	assert.False(t, gone.Running)
	require.NoError(t, p.Start(t.Context(), "c"))
	after, err := p.Inspect(t.Context(), "c")
	require.NoError(t, err)
	assert.True(t, after.Running)
}

// TestContainersOfALongPath checks a repository whose path is longer than podman
// accepts. The folder outside of the repository is removed too.
func TestContainersOfALongPath(t *testing.T) {
	short := open(t)
	p := openIn(t, filepath.Join(short.Folder, "src/github.com/acme/shop/.escala/podman"))
	require.NoError(t, os.MkdirAll(p.Folder, 0o755))
	require.NoError(t, p.Run(t.Context(), Container{Name: "c", RootFS: sleeper(t), Network: "host", OpenFiles: 1024, Command: []string{"/sleep"}}))
	status, err := p.Inspect(t.Context(), "c")
	require.NoError(t, err)
	assert.True(t, status.Running)
	assert.DirExists(t, p.runRoot())
	require.NoError(t, p.Remove(t.Context(), "c", 0))
	require.NoError(t, p.RemoveWhenUnused(t.Context()))
	assert.NoDirExists(t, p.runRoot())
}
