package prefork

import (
	"fmt"
	"os"
	"syscall"
)

// makeRunDir creates the directory of the sockets. An existing one must belong
// to this user or root, and must be closed to others: a user who can write to
// it could answer in place of the workers.
func makeRunDir(path string) error {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return fmt.Errorf("making the directory of the sockets: %w", err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("looking at the directory of the sockets: %w", err)
	}
	const choose = "remove it, or choose another directory with RUN_DIR"
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory but a %s; %s", path, info.Mode().Type(), choose)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, and this process runs as %d; %s", path, owner.Uid, os.Geteuid(), choose)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("every user may write to %s (mode %#o); %s", path, info.Mode().Perm(), choose)
	}
	return nil
}
