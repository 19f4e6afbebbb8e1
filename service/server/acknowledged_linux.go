package server

import "golang.org/x/sys/unix"

// acknowledged returns the number of bytes of a TCP socket that its peer has
// acknowledged, and whether that number is known.
func acknowledged(fd int) (uint64, bool) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, false
	}
	return info.Bytes_acked, true
}
