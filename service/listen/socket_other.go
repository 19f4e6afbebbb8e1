//go:build unix && !linux

package listen

import (
	"errors"
	"syscall"
)

// dropSYN does nothing, because only Linux filters the packets of a listening
// socket. Here, connections in the queue of an ending worker may be reset. This
// system is for development; machines run Linux.
func dropSYN(uintptr) error { return errors.ErrUnsupported }

// replaceDescriptor makes the descriptor old a copy of by, and closes the
// previous file of old.
func replaceDescriptor(by, old int) error { return syscall.Dup2(by, old) }

// duplicate returns a copy of the descriptor that child processes do not inherit.
func duplicate(fd uintptr) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, err := syscall.Dup(int(fd))
	if err == nil {
		syscall.CloseOnExec(n)
	}
	return n, err
}

// queued reports false, since such a system may reset queued connections anyway:
// see dropSYN.
func queued(uintptr) bool { return false }
