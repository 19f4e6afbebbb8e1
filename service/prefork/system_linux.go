package prefork

import "syscall"

// supported returns why this system cannot run a primary; nil on Linux.
func supported() error { return nil }

// processAttributes are those of a worker's process.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		// A terminal's Ctrl-C reaches the primary alone: it tells the workers,
		// and a second signal would end them at once.
		Setpgid: true,
		// Workers whose primary was killed drain and end too.
		Pdeathsig: syscall.SIGTERM,
	}
}
