package prefork

import "syscall"

// supported returns the reason why this system cannot run a primary; nil on
// Linux.
func supported() error { return nil }

// processAttributes returns the attributes of a worker's process.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		// A terminal's Ctrl-C reaches only the primary, which then signals the
		// workers. A second signal would end them at once.
		Setpgid: true,
		// If the primary is killed, its workers drain and end too.
		Pdeathsig: syscall.SIGTERM,
	}
}
