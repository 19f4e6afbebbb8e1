package podman

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// bootID is the file with the id of the host's current boot.
const bootID = "/proc/sys/kernel/random/boot_id"

// detectReboot makes podman treat all containers as stopped after a reboot of the
// host. Podman itself detects a reboot by its empty temporary folder. Here that
// folder is in the clone, and a reboot does not empty it.
func (p Podman) detectReboot() error {
	now, err := os.ReadFile(bootID)
	if err != nil {
		return fmt.Errorf("reading which boot this is: %w", err)
	}
	marker := filepath.Join(p.Folder, "boot")
	before, err := os.ReadFile(marker)
	switch {
	case err == nil && string(before) == string(now):
		return nil
	case err == nil:
		for _, stale := range []string{"alive", "exits"} {
			if err := os.RemoveAll(filepath.Join(p.Folder, "tmp", stale)); err != nil {
				return fmt.Errorf("forgetting what ran before this boot: %w", err)
			}
		}
		if err := errors.Join(removeLeases(leases), p.removeRuntimeState()); err != nil {
			return err
		}
	case !os.IsNotExist(err):
		return fmt.Errorf("reading which boot was the last: %w", err)
	}
	if err := os.MkdirAll(p.Folder, 0o755); err != nil {
		return fmt.Errorf("making podman's folder: %w", err)
	}
	// The rename is for other processes that read the file at the same time. Half a
	// file would look like another boot.
	part := fmt.Sprintf("%s.%d", marker, os.Getpid())
	if err := os.WriteFile(part, now, 0o644); err != nil {
		return fmt.Errorf("noting which boot this is: %w", err)
	}
	if err := os.Rename(part, marker); err != nil {
		return fmt.Errorf("noting which boot this is: %w", err)
	}
	return nil
}

// leases is the file in which netavark stores the addresses of the containers of
// all clones. Most hosts have /run in memory, and a reboot empties it.
const leases = "/run/containers/networks/ipam.db"

// runtimeFolder is the folder with a folder for each container that runc knows.
const runtimeFolder = "/run/runc"

// removeRuntimeState removes runc's state of this clone's containers. On a host that has
// /run on a disk, that state would prevent runc from starting them.
func (p Podman) removeRuntimeState() error {
	containers, err := os.ReadDir(filepath.Join(p.Folder, "storage", "overlay-containers"))
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("looking for the containers before this boot: %w", err)
	}
	for _, c := range containers {
		if !c.IsDir() {
			continue
		}
		if err := os.RemoveAll(filepath.Join(runtimeFolder, c.Name())); err != nil {
			return fmt.Errorf("forgetting what ran before this boot: %w", err)
		}
	}
	return nil
}

// removeLeases removes the leases of another boot, on a host that has /run on a
// disk. With these leases, a container could not get its own address back.
func removeLeases(path string) error {
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the leases of addresses: %w", err)
	}
	up, err := uptime()
	if err != nil {
		return fmt.Errorf("reading when this computer was started: %w", err)
	}
	if time.Since(info.ModTime()) < up {
		return nil
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("forgetting the leases before this boot: %w", err)
	}
	return nil
}

// uptime returns the time since this computer was started.
func uptime() (time.Duration, error) {
	content, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, err
	}
	seconds, _, _ := strings.Cut(string(content), " ")
	return time.ParseDuration(seconds + "s")
}

// alive reports whether the process with this id belongs to a container. Another
// process may have the same id by now.
func alive(pid int, container string) bool {
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	return err == nil && strings.Contains(string(groups), container)
}

// reportExit tells podman that a container has ended. The container's monitor does
// that normally, but here the monitor has ended too. Otherwise podman would treat
// the container as running for ever, and neither start nor stop it.
func (p Podman) reportExit(container string) error {
	folder := filepath.Join(p.Folder, "tmp", "exits")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("noting that container %s ended: %w", container, err)
	}
	const killed = "137"
	if err := os.WriteFile(filepath.Join(folder, container), []byte(killed), 0o600); err != nil {
		return fmt.Errorf("noting that container %s ended: %w", container, err)
	}
	return nil
}
