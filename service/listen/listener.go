package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Listener takes connections. Retire is how a worker stops doing so.
type Listener struct {
	net.Listener
	address Address
	// file identifies the socket's file that we made, so that we never remove
	// one that a successor has put in its place.
	file fs.FileInfo
}

// Open starts listening. An inherited socket's descriptor is taken over: it is
// closed here, and standard input becomes empty when it was descriptor 0.
func Open(ctx context.Context, a Address) (*Listener, error) {
	switch a.Network {
	case Inherited:
		return inherit(a)
	case Unix:
		return openUnix(ctx, a)
	case TCP:
		var lc net.ListenConfig
		lc.SetMultipathTCP(false) // Go's default, which knows no filters (see Retire) and costs more per connection
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(a.Host, strconv.Itoa(a.Port)))
		if err != nil {
			return nil, fmt.Errorf("listening on %s: %w", a, err)
		}
		return &Listener{Listener: l, address: a}, nil
	}
	return nil, fmt.Errorf("listening on %q: no such kind of address", a.Network)
}

// inherit makes a listener of a descriptor that the parent process opened.
func inherit(a Address) (*Listener, error) {
	accepting, err := syscall.GetsockoptInt(a.FD, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	if err != nil || accepting == 0 {
		return nil, fmt.Errorf("listening on %s: descriptor %d is not a listening socket; a supervisor has to pass one (supervisord: [fcgi-program:…] with socket=tcp://…)", a, a.FD)
	}
	f := os.NewFile(uintptr(a.FD), a.String())
	l, err := net.FileListener(f) // duplicates the descriptor
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", a, err)
	}
	// Our copy of the descriptor must not outlive the listener: a socket that
	// is closed only in part would go on queueing connections that this
	// process no longer accepts.
	if err := giveUp(f, a.FD); err != nil {
		return nil, errors.Join(fmt.Errorf("listening on %s: %w", a, err), l.Close())
	}
	return &Listener{Listener: l, address: a}, nil
}

// giveUp closes the inherited descriptor. A standard descriptor is replaced by
// /dev/null instead of leaving a hole that the next open file would fall into.
func giveUp(f *os.File, fd int) error {
	if fd > 2 {
		return f.Close()
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("replacing descriptor %d: %w", fd, err)
	}
	defer null.Close()
	if err := replaceDescriptor(int(null.Fd()), fd); err != nil {
		return fmt.Errorf("replacing descriptor %d: %w", fd, err)
	}
	// f still owns the number, and must not close it when it is collected.
	heldFiles = append(heldFiles, f)
	return nil
}

// heldFiles holds standard descriptors' files for the life of the process.
var heldFiles []*os.File

// Describe names the address for people: "port 3000" or the socket's name.
func (l *Listener) Describe() string {
	switch a := l.Addr().(type) {
	case *net.TCPAddr:
		return "port " + strconv.Itoa(a.Port)
	case *net.UnixAddr:
		return "socket " + a.Name
	default:
		return l.address.String()
	}
}

// File is a copy of the socket's descriptor, for child processes. It is not
// that of net.TCPListener.File: passing such a file to a child switches the
// socket to blocking mode for every process that shares it, and a worker that
// then loses the race for a connection hangs in accept until the next one.
func (l *Listener) File() (*os.File, error) {
	raw, err := l.raw()
	if err != nil {
		return nil, fmt.Errorf("sharing %s: %w", l.address, err)
	}
	fd := -1
	var failed error
	err = raw.Control(func(own uintptr) {
		fd, failed = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("sharing %s: %w", l.address, err)
	}
	return os.NewFile(uintptr(fd), l.address.String()), nil
}
