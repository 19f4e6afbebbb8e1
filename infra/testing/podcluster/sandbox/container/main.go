//go:build linux

// Command container becomes a container of package sandbox: it joins the network of
// a pod, mounts the container's files, drops privileges and runs the container's
// program in its place.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"escala/infra/testing/podcluster/sandbox"
)

func main() {
	// Namespaces and privileges belong to a thread, and the program that replaces
	// this one gets those of the thread that starts it.
	runtime.LockOSThread()
	failed := os.NewFile(sandbox.ErrorFile, "errors")
	unix.CloseOnExec(sandbox.ErrorFile)
	if err := become(failed); err != nil {
		fmt.Fprint(failed, err)
		os.Exit(1)
	}
}

func become(failed *os.File) error {
	var spec sandbox.Spec
	if err := json.Unmarshal([]byte(os.Getenv(sandbox.SpecVariable)), &spec); err != nil {
		return fmt.Errorf("reading the container's description: %w", err)
	}
	if spec.Pause {
		if err := failed.Close(); err != nil {
			return err
		}
		// The end of standard input ends the pod.
		_, _ = os.Stdin.Read(make([]byte, 1))
		return nil
	}
	if spec.Memory != "" {
		if err := os.WriteFile(filepath.Join(spec.Memory, "cgroup.procs"), []byte("0"), 0o644); err != nil {
			return fmt.Errorf("limiting memory: %w", err)
		}
	}
	if err := join(spec.Network); err != nil {
		return err
	}
	if err := mount(spec); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(spec.Hostname)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := unix.Chdir(spec.Folder); err != nil {
		return fmt.Errorf("chdir to cwd (%q): %w", spec.Folder, err)
	}
	if err := restrict(spec); err != nil {
		return err
	}
	path, err := findProgram(spec)
	if err != nil {
		return err
	}
	if err := syscall.Exec(path, spec.Args, spec.Env); err != nil {
		return fmt.Errorf("exec %s: %w", path, err)
	}
	return nil
}

// join joins the network of a process.
func join(pid int) error {
	network, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return fmt.Errorf("looking for the pod's network: %w", err)
	}
	defer network.Close()
	if err := unix.Setns(int(network.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("joining the pod's network: %w", err)
	}
	return nil
}

// devices are the devices that every container has.
var devices = []string{"null", "zero", "full", "random", "urandom"}

// mount makes the container's root folder the root of this process.
func mount(spec sandbox.Spec) error {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts apart: %w", err)
	}
	root := spec.Root
	if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting the root folder: %w", err)
	}
	for _, name := range []string{"proc", "dev"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			return fmt.Errorf("making /%s: %w", name, err)
		}
	}
	// A mount creates its own mount point, so the root folder becomes read-only only
	// later.
	for _, m := range spec.Mounts {
		if err := place(m, filepath.Join(root, m.To)); err != nil {
			return err
		}
	}
	if spec.ReadOnly {
		if err := unix.Mount("none", root, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			return fmt.Errorf("making the root folder read-only: %w", err)
		}
	}
	if err := unix.Mount("tmpfs", filepath.Join(root, "dev"), "tmpfs", unix.MS_NOSUID, "mode=755,size=64k"); err != nil {
		return fmt.Errorf("mounting /dev: %w", err)
	}
	for _, device := range devices {
		if err := place(sandbox.Mount{From: "/dev/" + device}, filepath.Join(root, "dev", device)); err != nil {
			return err
		}
	}
	if err := unix.Mount("proc", filepath.Join(root, "proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	for i, f := range []string{"stdin", "stdout", "stderr"} {
		if err := os.Symlink(fmt.Sprintf("/proc/self/fd/%d", i), filepath.Join(root, "dev", f)); err != nil {
			return fmt.Errorf("making /dev/%s: %w", f, err)
		}
	}
	if err := unix.Chroot(root); err != nil {
		return fmt.Errorf("entering the root folder: %w", err)
	}
	return nil
}

// place mounts a file or folder at a path, and creates the mount point.
func place(m sandbox.Mount, at string) error {
	info, err := os.Stat(m.From)
	if err != nil {
		return fmt.Errorf("mounting %s: %w", m.To, err)
	}
	if info.IsDir() {
		err = os.MkdirAll(at, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil {
		var f *os.File
		if f, err = os.OpenFile(at, os.O_CREATE, 0o644); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("making the place of %s: %w", m.To, err)
	}
	if err := unix.Mount(m.From, at, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", m.To, err)
	}
	if !m.ReadOnly {
		return nil
	}
	if err := unix.Mount("none", at, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("mounting %s read-only: %w", m.To, err)
	}
	return nil
}

// restrict drops privileges.
func restrict(spec sandbox.Spec) error {
	if spec.DropCaps {
		for capability := range uintptr(unix.CAP_LAST_CAP + 1) {
			// A kernel that does not know a capability has nothing to drop.
			_ = unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		}
	}
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("giving up groups: %w", err)
	}
	if err := syscall.Setgid(spec.Group); err != nil {
		return fmt.Errorf("becoming group %d: %w", spec.Group, err)
	}
	if err := syscall.Setuid(spec.User); err != nil {
		return fmt.Errorf("becoming user %d: %w", spec.User, err)
	}
	if spec.NoNew {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("giving up new rights: %w", err)
		}
	}
	return nil
}

// findProgram returns the path of the program in the container.
func findProgram(spec sandbox.Spec) (string, error) {
	name := spec.Args[0]
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, variable := range spec.Env {
		if path, ok := strings.CutPrefix(variable, "PATH="); ok {
			for _, folder := range filepath.SplitList(path) {
				if found, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
					return found, nil
				}
			}
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}
