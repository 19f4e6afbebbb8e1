package local_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/targets/local/podman"
)

// restartComputer simulates a restart of this computer for a clone. It ends all
// processes of the clone's containers and their monitors at once, removes its
// mounts, network namespaces and bridge, and replaces the record of the boot in
// podman's folder. Only the clone's files stay. It also removes the leases of
// addresses, which all clones share, so no other clone may run a machine.
func restartComputer(ctx context.Context, t *testing.T, pod podman.Podman, machine string) {
	t.Helper()
	status, err := pod.Inspect(ctx, machine)
	require.NoError(t, err)
	if others(t, pod.Folder) {
		t.Skip("another clone's machine runs on this computer, and a restart would end it")
	}
	mine := processes(t, pod.Folder)
	require.Contains(t, mine, status.PID)
	namespaces := networkNamespaces(t, mine)
	require.NoError(t, os.WriteFile(filepath.Join(pod.Folder, "boot"), []byte("the boot before\n"), 0o644))
	for _, pid := range mine {
		_ = syscall.Kill(pid, syscall.SIGKILL) // children end with the first process of their container
	}
	require.Eventually(t, func() bool { return len(processes(t, pod.Folder)) == 0 }, 20*time.Second, 20*time.Millisecond)
	for _, point := range mountsBelow(t, pod.Folder) {
		require.NoError(t, syscall.Unmount(point, syscall.MNT_DETACH))
	}
	for _, point := range namespaces {
		require.NoError(t, syscall.Unmount(point, syscall.MNT_DETACH))
		require.NoError(t, os.Remove(point))
	}
	require.NoError(t, os.RemoveAll("/run/containers/networks"))
	for _, name := range bridges(t, pod.Folder) {
		out, err := exec.CommandContext(ctx, "ip", "link", "delete", name).CombinedOutput()
		assert.NoError(t, err, "%s", out)
	}
}

// processes returns the monitors of the clone's containers and all processes in the
// containers.
func processes(t *testing.T, folder string) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	require.NoError(t, err)
	containers, err := os.ReadDir(filepath.Join(folder, "storage", "overlay-containers"))
	require.NoError(t, err)
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		groups, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cgroup"))
		command, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		inside := slices.ContainsFunc(containers, func(c os.DirEntry) bool {
			return c.IsDir() && strings.Contains(string(groups), c.Name())
		})
		monitor := strings.HasSuffix(strings.SplitN(string(command), "\x00", 2)[0], "conmon") && strings.Contains(string(command), folder)
		if inside || monitor {
			pids = append(pids, pid)
		}
	}
	return pids
}

// networkNamespaces returns the mount points of the network namespaces of some
// processes, without this computer's own.
func networkNamespaces(t *testing.T, pids []int) []string {
	t.Helper()
	host, err := os.Stat("/proc/self/ns/net")
	require.NoError(t, err)
	points, err := filepath.Glob("/run/netns/*")
	require.NoError(t, err)
	return slices.DeleteFunc(points, func(point string) bool {
		mounted, err := os.Stat(point)
		return err != nil || os.SameFile(mounted, host) || !slices.ContainsFunc(pids, func(pid int) bool {
			of, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "ns", "net"))
			return err == nil && os.SameFile(of, mounted)
		})
	})
}

// others reports whether podman runs anything for another folder.
func others(t *testing.T, folder string) bool {
	t.Helper()
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	return slices.ContainsFunc(commands, func(path string) bool {
		command, _ := os.ReadFile(path)
		return strings.HasSuffix(strings.SplitN(string(command), "\x00", 2)[0], "conmon") && !strings.Contains(string(command), folder)
	})
}

// mountsBelow returns the mount points below a folder, the deepest first.
func mountsBelow(t *testing.T, folder string) []string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	var points []string
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); strings.HasPrefix(fields[1], folder+"/") {
			points = append(points, fields[1])
		}
	}
	slices.Sort(points)
	slices.Reverse(points)
	return points
}

// bridges returns the interfaces of the clone's networks that exist.
func bridges(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "networks", "escala-*.json"))
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		name := "esc" + strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "escala-"), ".json")
		if _, err := os.Stat("/sys/class/net/" + name); err == nil {
			names = append(names, name)
		}
	}
	return names
}
