package listen

import (
	"syscall"
	"unsafe"
)

// dropSYN attaches a socket filter that drops packets that open a connection
// (SYN without ACK). All other packets pass, so that started handshakes finish.
// A TCP socket's filter gets packets from the TCP header on; the flags are byte
// 13 of the header.
func dropSYN(fd uintptr) error {
	const flags, synAndAck, syn = 13, 0x12, 0x02
	program := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_B | syscall.BPF_ABS, K: flags},
		{Code: syscall.BPF_ALU | syscall.BPF_AND | syscall.BPF_K, K: synAndAck},
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: syn, Jt: 0, Jf: 1},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0xffffffff},
	}
	filter := syscall.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, code := syscall.Syscall6(syscall.SYS_SETSOCKOPT, fd, syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER,
		uintptr(unsafe.Pointer(&filter)), unsafe.Sizeof(filter), 0) //nolint:gosec // the kernel reads it during the call
	if code != 0 {
		return code
	}
	return nil
}

// replaceDescriptor makes the descriptor old a copy of by, and closes the
// previous file of old.
func replaceDescriptor(by, old int) error { return syscall.Dup3(by, old, 0) }

// duplicate returns a copy of the descriptor that child processes do not inherit.
func duplicate(fd uintptr) (int, error) {
	n, _, code := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 0)
	if code != 0 {
		return -1, code
	}
	return int(n), nil
}

// pollIn is POLLIN of poll(2): a listening socket has a connection to accept.
const pollIn = 1

// queued reports whether a listening socket has a connection to accept.
func queued(fd uintptr) bool {
	poll := struct {
		fd              int32
		events, revents int16
	}{fd: int32(fd), events: pollIn}
	var now syscall.Timespec
	n, _, code := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, //nolint:gosec // the kernel writes it during the call
		uintptr(unsafe.Pointer(&now)), 0, 0, 0) //nolint:gosec // as above
	return code == 0 && n > 0
}
