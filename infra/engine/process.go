package engine

import (
	"errors"
	"syscall"
	"time"
)

// running reports whether a process of this computer is one that already ran at a
// time: another one may have its number by now, in particular after a restart of
// the computer.
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

// clockTolerance is how far the kernel's start times may lie behind the clock:
// they have a resolution of a tick, and the boot time one of a second.
const clockTolerance = 2 * time.Second
