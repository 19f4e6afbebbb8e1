//go:build unix && !linux

package listen

import (
	"errors"

	"golang.org/x/sys/unix"
)

// dropSYN does nothing, because only Linux filters the packets of a listening
// socket. Here, connections in the queue of an ending worker may be reset. This
// system is for development; machines run Linux.
func dropSYN(uintptr) error { return errors.ErrUnsupported }

// replaceDescriptor makes the descriptor old a copy of by, and closes the
// previous file of old.
func replaceDescriptor(by, old int) error { return unix.Dup2(by, old) }
