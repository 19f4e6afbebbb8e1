//go:build unix

package loadgen

import (
	"net"
	"syscall"
)

// closedWhileIdle reports whether the other side closed (or wrote to) a connection
// on which nothing was asked: it is not fit for a request. It looks without
// waiting and without taking anything away.
//
// Without this look, a request would be written to a connection that is known
// to be dead, and counted as the service's failure. What remains is the real
// race: the service closes just when the request is on its way. That one is
// counted (Counters.FailedReused).
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
