package listen

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// queueLimit is the time limit for emptying the accept queue. The server keeps
// accepting during that time, so the queue is usually empty within microseconds.
const queueLimit = 500 * time.Millisecond

// Retire stops accepting connections and returns once the socket is closed. The
// caller must keep calling Accept until it fails.
//
// Closing a listening socket resets the connections that the kernel has
// completed but the process has not yet accepted. Their clients may have sent a
// request already. An inherited socket has no such gap, because other processes
// hold it too. The worker's own socket first refuses new connections: a Unix
// socket's file is removed, and a TCP socket drops SYN packets, so that the
// client's kernel repeats them and then finds the port closed. The socket is
// closed when its queue is empty.
func (l *Listener) Retire(ctx context.Context) error {
	if l.address.Network == Inherited {
		return l.Listener.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, queueLimit)
	defer cancel()
	raw, err := l.raw()
	if err == nil && l.address.Network == TCP {
		// Without filters, connections can be lost, as with a plain close.
		_ = raw.Control(func(fd uintptr) { _ = dropSYN(fd) })
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

// awaitEmpty waits until no connection is left to accept. It checks more than
// once, because a handshake's last packet may still be on its way.
func awaitEmpty(ctx context.Context, raw syscall.RawConn) {
	const pause, looks = time.Millisecond, 3
	for empty := 0; empty < looks && ctx.Err() == nil; {
		waiting := false
		if err := raw.Control(func(fd uintptr) { waiting = queued(fd) }); err != nil {
			return
		}
		if waiting {
			empty = 0
		} else {
			empty++
		}
		time.Sleep(pause)
	}
}
