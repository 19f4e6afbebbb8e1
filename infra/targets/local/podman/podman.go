// Package podman runs containers for the local target with podman's command
// line. All of podman's data (storage, run state, networks) is in a folder of
// the clone. It is separate from the user's own containers, and removing the
// folder removes all of it.
package podman

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Podman runs podman with its state in Folder.
type Podman struct {
	// Folder is an absolute path.
	Folder string
}

// longestRunRoot is podman's own limit, in bytes: "the specified runroot is
// longer than 50 characters".
const longestRunRoot = 50

// runRoot returns the folder for podman's files that a reboot invalidates. It is
// below /run if the path in the clone is longer than podman accepts.
func (p Podman) runRoot() string {
	path := filepath.Join(p.Folder, "run")
	if len(path) <= longestRunRoot {
		return path
	}
	sum := sha256.Sum256([]byte(p.Folder))
	return "/run/escala-" + hex.EncodeToString(sum[:6])
}

// command returns a podman command. It uses runc, because crun refuses the hybrid
// cgroup hierarchy of some hosts, and cgroupfs, so that the host does not need
// systemd.
func (p Podman) command(ctx context.Context, args ...string) *exec.Cmd {
	all := []string{
		"--root", filepath.Join(p.Folder, "storage"),
		"--runroot", p.runRoot(),
		"--tmpdir", filepath.Join(p.Folder, "tmp"),
		"--network-config-dir", filepath.Join(p.Folder, "networks"),
		"--runtime", "runc",
		"--cgroup-manager", "cgroupfs",
	}
	return exec.CommandContext(ctx, "podman", append(all, args...)...)
}

// run returns podman's standard output. An error contains the last lines of its
// standard error.
func (p Podman) run(ctx context.Context, args ...string) (string, error) {
	if err := p.detectReboot(); err != nil {
		return "", err
	}
	cmd := p.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return stdout.String(), &Error{Command: args[0], Stderr: lastLines(stderr.String(), 5), Err: err}
	}
	return stdout.String(), nil
}

// Error is the error of a podman command that failed.
type Error struct {
	Command string
	Stderr  string
	Err     error
}

func (e *Error) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("podman %s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("podman %s: %v: %s", e.Command, e.Err, e.Stderr)
}

func (e *Error) Unwrap() error { return e.Err }

// notFound reports whether podman failed because an object does not exist. A
// missing file of podman's own ("no such file or directory") is another failure:
// callers forget or remove an object that is not found.
func notFound(err error) bool {
	var failed *Error
	if !errors.As(err, &failed) {
		return false
	}
	for _, words := range []string{"no such container", "no such object", "no container with name or ID", "unable to find network", "network not found"} {
		if strings.Contains(failed.Stderr, words) {
			return true
		}
	}
	return false
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
