package status

import (
	"fmt"

	"github.com/prometheus/procfs"
)

// Memory returns a process's resident memory in bytes, from /proc.
func Memory(pid int) (uint64, error) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	stat, err := process.Stat()
	if err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	return uint64(stat.ResidentMemory()), nil
}
