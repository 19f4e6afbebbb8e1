//go:build linux

package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memory is the memory controller of this computer's control groups, in version 1
// or 2.
type memory struct {
	parent string // folder, "" without a controller
	v2     bool
}

// findMemory returns the controller, if this process may use it.
func findMemory() memory {
	const root = "/sys/fs/cgroup"
	if controllers, err := os.ReadFile(filepath.Join(root, "cgroup.controllers")); err == nil {
		enabled, err := os.ReadFile(filepath.Join(root, "cgroup.subtree_control"))
		if err == nil && strings.Contains(string(controllers), "memory") && strings.Contains(string(enabled), "memory") && writable(root) {
			return memory{parent: root, v2: true}
		}
		return memory{}
	}
	if v1 := filepath.Join(root, "memory"); writable(v1) {
		if _, err := os.Stat(filepath.Join(v1, "memory.limit_in_bytes")); err == nil {
			return memory{parent: v1}
		}
	}
	return memory{}
}

// writable reports whether groups can be created in a folder.
func writable(folder string) bool {
	probe := filepath.Join(folder, "escala-"+strconv.Itoa(os.Getpid()))
	return os.Mkdir(probe, 0o755) == nil && os.Remove(probe) == nil
}

// group creates a group with a memory limit in bytes.
func (m memory) group(name string, limit int64) (string, error) {
	if m.parent == "" || limit == 0 {
		return "", nil
	}
	folder, err := os.MkdirTemp(m.parent, "escala-"+name+"-")
	if err != nil {
		return "", fmt.Errorf("limiting memory: %w", err)
	}
	file := "memory.limit_in_bytes"
	if m.v2 {
		file = "memory.max"
	}
	if err := os.WriteFile(filepath.Join(folder, file), []byte(strconv.FormatInt(limit, 10)), 0o644); err != nil {
		return "", errors.Join(fmt.Errorf("limiting memory: %w", err), os.Remove(folder))
	}
	return folder, nil
}

// exceeded reports whether the kernel killed a process of a group.
func (m memory) exceeded(group string) bool {
	if group == "" {
		return false
	}
	file := "memory.oom_control"
	if m.v2 {
		file = "memory.events"
	}
	content, _ := os.ReadFile(filepath.Join(group, file))
	for line := range bytes.Lines(content) {
		if n, ok := bytes.CutPrefix(line, []byte("oom_kill ")); ok {
			return string(bytes.TrimSpace(n)) != "0"
		}
	}
	return false
}

func (memory) remove(group string) {
	if group != "" {
		// A group that is still in use cannot be removed. It remains until this
		// computer restarts.
		_ = os.Remove(group)
	}
}
