//go:build unix && !linux

package prefork

import (
	"fmt"
	"runtime"
	"syscall"
)

// supported returns the reason why this system cannot run a primary. A primary
// starts its workers from an open file, and needs a kernel that signals them
// when the primary is killed. Only Linux provides both.
func supported() error {
	return fmt.Errorf(`api cluster needs Linux, and this is %s: run "api serve", which uses all cores too`, runtime.GOOS)
}

// processAttributes returns the attributes of a worker's process.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
