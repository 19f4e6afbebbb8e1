package listen

import (
	"context"
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// queueLimit bounds the wait for the accept queue to run empty. The server
// goes on accepting meanwhile, so this is microseconds in practice.
const queueLimit = 500 * time.Millisecond

// Retire stops taking new connections and returns once the socket is closed.
// The caller must go on calling Accept until it fails.
//
// Closing a listening socket resets the connections that the kernel has
// completed but the process has not accepted yet: their clients may have sent
// a request already. An inherited socket has no such gap, because others hold
// it too. A socket of our own is first closed to newcomers (a Unix socket's
// file is removed; a TCP socket drops SYN packets, which the client's kernel
// repeats and then finds the port closed), and is closed when its queue is
// empty.
func (l *Listener) Retire(ctx context.Context) error {
	if l.address.Network == Inherited {
		return l.Listener.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, queueLimit)
	defer cancel()
	raw, err := l.raw()
	if err == nil && l.address.Network == TCP {
		// Where filters are forbidden the gap stays, as with a plain close.
		_ = raw.Control(dropSYN)
	}
	unlinked := l.unlink()
	if err == nil {
		awaitEmpty(ctx, raw)
	}
	return errors.Join(unlinked, l.Listener.Close())
}

func (l *Listener) raw() (syscall.RawConn, error) {
	sc, ok := l.Listener.(syscall.Conn)
	if !ok {
		return nil, errors.New("listener has no descriptor")
	}
	return sc.SyscallConn()
}

// dropSYN attaches a socket filter that drops packets that open a connection
// (SYN without ACK) and lets everything else pass, so that handshakes that
// have begun still finish. A TCP socket's filter sees packets from the TCP
// header on; the flags are its byte 13.
func dropSYN(fd uintptr) {
	const flags, synAndAck, syn = 13, 0x12, 0x02
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: synAndAck},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: syn, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
	}
	_ = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

// awaitEmpty waits until no connection is left to accept. One empty look is
// not enough: a handshake's last packet may still be on its way.
func awaitEmpty(ctx context.Context, raw syscall.RawConn) {
	const pause, looks = time.Millisecond, 3
	for empty := 0; empty < looks && ctx.Err() == nil; {
		queued := false
		err := raw.Control(func(fd uintptr) {
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(p, 0)
			queued = err == nil && n > 0
		})
		if err != nil {
			return
		}
		if queued {
			empty = 0
		} else {
			empty++
		}
		time.Sleep(pause)
	}
}
