//go:build !linux

package host

import "syscall"

// endWithParent does nothing: machines run Linux. The command escala, which runs
// elsewhere too, needs only this package's paths.
func endWithParent(*syscall.SysProcAttr) {}
