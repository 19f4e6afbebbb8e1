package status

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory returns a process's resident memory in bytes, from /proc.
func Memory(pid int) (uint64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, fmt.Errorf("reading the memory of process %d: unexpected %q", pid, b)
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	return pages * uint64(os.Getpagesize()), nil
}
