package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// startTime returns the time at which a process started.
func startTime(pid int) (started time.Time, known bool) {
	process, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return time.Time{}, false
	}
	start := process.Proc.P_starttime
	return time.Unix(start.Sec, int64(start.Usec)*int64(time.Microsecond)), true
}
