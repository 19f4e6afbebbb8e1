package host

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// prSetChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
const prSetChildSubreaper = 36

// adoptDescendants makes this process the parent of its descendants whose parents end.
// It returns a function that kills all that are left. A command's child that begins a
// session of its own is in no process group of the command's, and on a kernel without
// cgroup v2 in no cgroup either.
func adoptDescendants() (end func()) {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		return func() {}
	}
	return func() {
		// Each kill may hand over children, which are there in the next pass.
		for limit := time.Now().Add(descendantsLimit); killChildren() && time.Now().Before(limit); {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// descendantsLimit is more than the kernel needs to end processes after SIGKILL, if none
// waits for a disk.
const descendantsLimit = 5 * time.Second

// killChildren kills this process's children. It reports whether there were any.
func killChildren() (found bool) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return false
	}
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil || parent(pid) != os.Getpid() {
			continue
		}
		found = true
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return found
}
