package engine

import (
	"errors"
	"syscall"
	"time"
)

// running reports whether a process of this computer already ran at a given
// time. Another process may have its id by now, in particular after a restart
// of the computer.
func running(pid int, at time.Time) bool {
	if pid <= 0 {
		return false
	}
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	started, known := startTime(pid)
	return !known || !started.After(at.Add(clockTolerance))
}

// clockTolerance is the most that the kernel's start times may lag behind the clock.
// They have a resolution of a tick, and the boot time has one of a second.
const clockTolerance = 2 * time.Second
