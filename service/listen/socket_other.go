//go:build unix && !linux

package listen

import (
	"errors"

	"golang.org/x/sys/unix"
)

// dropSYN does nothing: only Linux filters what reaches a listening socket.
// Connections that wait in the queue of a worker that ends may be reset here,
// which is why machines run Linux and this system is for development.
func dropSYN(uintptr) error { return errors.ErrUnsupported }

// replaceDescriptor makes the number old name what by names; what old named
// is closed.
func replaceDescriptor(by, old int) error { return unix.Dup2(by, old) }
