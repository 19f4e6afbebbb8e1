//go:build unix

package loadgen

import (
	"net"
	"syscall"
)

// closedWhileIdle reports whether the other side closed an idle connection, or
// wrote to it. Such a connection cannot carry a request. The check neither
// waits nor consumes data.
//
// Without it, a request would be written to a dead connection and count as the
// service's failure. Only the real race remains, in which the service closes
// the connection while the request is in flight. Counters.FailedReused counts
// it.
func closedWhileIdle(conn net.Conn) bool {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	access, err := raw.SyscallConn()
	if err != nil {
		return true
	}
	closed := true
	err = access.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		closed = err != syscall.EAGAIN
	})
	return err != nil || closed
}
