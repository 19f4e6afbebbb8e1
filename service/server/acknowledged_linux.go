package server

import (
	"syscall"
	"unsafe"
)

// tcpInfo is the beginning of struct tcp_info of linux/tcp.h, up to the field
// that is read. syscall.TCPInfo ends before it.
type tcpInfo struct {
	_     [120]byte
	acked uint64
}

// acknowledged returns the number of bytes of a TCP socket that its peer has
// acknowledged, and whether that number is known.
func acknowledged(fd int) (uint64, bool) {
	var info tcpInfo
	size := uint32(unsafe.Sizeof(info))
	_, _, code := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0) //nolint:gosec // the kernel writes them during the call
	return info.acked, code == 0 && uintptr(size) == unsafe.Sizeof(info)
}
