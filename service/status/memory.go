package status

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Memory returns a process's resident memory in bytes, from /proc: the second
// field of proc_pid_statm(5) counts pages.
func Memory(pid int) (uint64, error) {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	var size, resident uint64
	if _, err := fmt.Sscan(string(content), &size, &resident); err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	return resident * uint64(os.Getpagesize()), nil
}
