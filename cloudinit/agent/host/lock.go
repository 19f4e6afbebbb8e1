package host

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Files that the machine's setup leaves behind, and the unit of the setup.
const (
	SetUpFile = "/var/lib/escala/set-up"
	SetupUnit = "escala-setup.service"
)

const lockFile = "/run/escala-release/lock"

// Lock waits until no other agent works on this machine. The process holds the
// lock until it ends.
func (r Root) Lock() error {
	path := r.path(lockFile)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("locking this machine: %w", err)
	}
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CREAT|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("locking this machine: %w", err)
	}
	for {
		if err = syscall.Flock(fd, syscall.LOCK_EX); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("locking this machine: %w", err)
	}
	return nil
}
