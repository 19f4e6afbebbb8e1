package engine

import (
	"time"

	"github.com/prometheus/procfs"
)

// startTime returns the time at which a process started. For a zombie process
// it returns a time in the future.
func startTime(pid int) (started time.Time, known bool) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return time.Time{}, false
	}
	stat, err := process.Stat()
	if err != nil {
		return time.Time{}, false
	}
	if stat.State == "Z" || stat.State == "X" {
		return time.Unix(1<<40, 0), true
	}
	seconds, err := stat.StartTime()
	return time.UnixMicro(int64(seconds * 1e6)), err == nil
}
