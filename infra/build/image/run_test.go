package image

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/build"
)

// serviceImage returns an image of the real service for this computer's
// architecture.
func serviceImage(t *testing.T) *Image {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles the service")
	}
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	platform := build.Platform{OS: "linux", Arch: runtime.GOARCH}
	release, err := build.Service(t.Context(), root, t.TempDir(), platform)
	require.NoError(t, err)
	return built(t, Args{Binaries: map[build.Platform]string{platform: release.Path}, Name: "api", Port: 3000})
}

// TestAnEngineRunsTheImage checks that the image runs as in Kubernetes: read-only,
// as its own user, without capabilities. It ends the container by its stop signal.
func TestAnEngineRunsTheImage(t *testing.T) {
	img := serviceImage(t)
	if _, err := exec.LookPath("podman"); err != nil || os.Getuid() != 0 {
		t.Skip("runs a container, as root, with podman")
	}
	folder := engineFolder(t)
	podman := func(args ...string) string {
		t.Helper()
		all := append([]string{
			"--root", filepath.Join(folder, "storage"), "--runroot", filepath.Join(folder, "run"), "--tmpdir", filepath.Join(folder, "tmp"),
			"--storage-driver", "vfs", "--runtime", "runc", "--cgroup-manager", "cgroupfs",
		}, args...)
		said, err := exec.Command("podman", all...).CombinedOutput()
		require.NoError(t, err, "podman %s: %s", args[0], said)
		return strings.TrimSpace(string(said))
	}
	path := filepath.Join(folder, "image.tar")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, img.WriteArchive(t.Context(), f, "example.com/api:test"))
	require.NoError(t, f.Close())
	require.Contains(t, podman("load", "--input", path), "example.com/api:test")

	port := freePort(t)
	const container = "escala-image-test"
	t.Cleanup(func() {
		podman("rm", "--force", "--ignore", "--time=0", container)
	})
	// The limits are those of a computer that cannot raise its own limits.
	podman("run", "--detach", "--name", container, "--read-only", "--read-only-tmpfs=false", "--cap-drop=all",
		"--security-opt=no-new-privileges", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096",
		"--network=host", fmt.Sprintf("--env=PORT=%d", port), "example.com/api:test")

	url := fmt.Sprintf("http://127.0.0.1:%d/health", port)
	var status int
	var release string
	require.Eventually(t, func() bool {
		answer, err := http.Get(url)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		status, release = answer.StatusCode, answer.Header.Get("X-Release")
		return true
	}, time.Minute, 50*time.Millisecond, "the service does not answer")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, img.Releases()[build.Platform{OS: "linux", Arch: runtime.GOARCH}], release, "the label is what the service answers")
	podman("exec", container, "/api", "health")

	process, err := os.ReadFile("/proc/" + podman("inspect", "--format={{.State.Pid}}", container) + "/status")
	require.NoError(t, err)
	assert.Contains(t, string(process), "Uid:\t65532\t65532\t65532\t65532\n")
	assert.Contains(t, string(process), "Gid:\t65532\t65532\t65532\t65532\n")
	assert.Contains(t, string(process), "CapEff:\t0000000000000000\n")

	podman("stop", "--time=30", container)
	assert.Equal(t, "0", podman("inspect", "--format={{.State.ExitCode}}", container), "it drains and ends by itself")
}

// engineFolder returns a folder for podman's state. podman still works in it
// after a container has ended, so a single attempt to remove the folder may
// come too early.
func engineFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "escala-image-test-")
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.Eventually(t, func() bool { return os.RemoveAll(folder) == nil }, 30*time.Second, 200*time.Millisecond)
	})
	return folder
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
