package listen

import "golang.org/x/sys/unix"

// dropSYN attaches a socket filter that drops packets that open a connection
// (SYN without ACK). All other packets pass, so that started handshakes finish.
// A TCP socket's filter gets packets from the TCP header on; the flags are byte
// 13 of the header.
func dropSYN(fd uintptr) error {
	const flags, synAndAck, syn = 13, 0x12, 0x02
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: synAndAck},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: syn, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
	}
	return unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

// replaceDescriptor makes the descriptor old a copy of by, and closes the
// previous file of old.
func replaceDescriptor(by, old int) error { return unix.Dup3(by, old, 0) }
