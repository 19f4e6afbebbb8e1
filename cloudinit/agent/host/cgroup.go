package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// scope returns the folder of this process's cgroup, if it is a transient scope of
// its own. Otherwise it returns "".
func scope() string {
	content, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	// cgroup v2 has one line, "0::/path".
	path, ok := strings.CutPrefix(strings.TrimSpace(string(content)), "0::")
	if !ok || !strings.HasSuffix(path, ".scope") {
		return ""
	}
	return filepath.Join("/sys/fs/cgroup", path)
}

// killCgroup kills all other processes of a runner's scope.
func (r Root) killCgroup() {
	folder := scope()
	if folder == "" || r != "" {
		return
	}
	content, err := os.ReadFile(filepath.Join(folder, "cgroup.procs"))
	if err != nil {
		return
	}
	for _, field := range strings.Fields(string(content)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 1 && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// outOfMemory reports whether the kernel has killed a process of this scope for its
// use of memory.
func outOfMemory() bool {
	folder := scope()
	if folder == "" {
		return false
	}
	content, err := os.ReadFile(filepath.Join(folder, "memory.events"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(content)) {
		if count, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			return count != "0"
		}
	}
	return false
}
