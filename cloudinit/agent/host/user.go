package host

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// asUser makes a process run as an account. If this process is not root, the
// account stays the same.
func asUser(name string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	uid, gid, err := account(name)
	if err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// account returns the numeric ids of a user and of its group.
func account(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, fmt.Errorf("looking for the service's user: %w", err)
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, fmt.Errorf("looking for the service's user: %w", err)
	}
	if gid, err = strconv.Atoi(u.Gid); err != nil {
		return 0, 0, fmt.Errorf("looking for the service's user: %w", err)
	}
	return uid, gid, nil
}
