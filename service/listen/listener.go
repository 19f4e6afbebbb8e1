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
)

// Listener accepts connections. Retire ends this without losing any.
type Listener struct {
	net.Listener
	address Address
	// file identifies the file of this listener's socket, so that the listener
	// never removes the file of a successor.
	file fs.FileInfo
}

// Open starts to listen. For an inherited socket, it takes ownership of the
// descriptor and closes it. If that is descriptor 0, standard input becomes
// empty.
func Open(ctx context.Context, a Address) (*Listener, error) {
	switch a.Network {
	case Inherited:
		return inherit(a)
	case Unix:
		return openUnix(ctx, a)
	case TCP:
		var lc net.ListenConfig
		lc.SetMultipathTCP(false) // Go's default, multipath, has no filters (see Retire) and costs more per connection
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(a.Host, strconv.Itoa(a.Port)))
		if err != nil {
			return nil, fmt.Errorf("listening on %s: %w", a, err)
		}
		return &Listener{Listener: l, address: a}, nil
	}
	return nil, fmt.Errorf("listening on %q: no such kind of address", a.Network)
}

// inherit creates a listener from a descriptor of the parent process.
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
	// This copy of the descriptor must not outlive the listener: the kernel
	// would keep queueing connections on a partly closed socket, and this
	// process would no longer accept them.
	if err := giveUp(f, a.FD); err != nil {
		return nil, errors.Join(fmt.Errorf("listening on %s: %w", a, err), l.Close())
	}
	return &Listener{Listener: l, address: a}, nil
}

// giveUp closes the inherited descriptor. It replaces a standard descriptor by
// /dev/null, because the next opened file would otherwise get its number.
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
	// f still owns the number, and its finalizer must not close it.
	heldFiles = append(heldFiles, f)
	return nil
}

// heldFiles keeps the files of standard descriptors until the process ends.
var heldFiles []*os.File

// Describe returns the address for people: "port 3000" or the socket's name.
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

// File returns a copy of the socket's descriptor for child processes. It does
// not use net.TCPListener.File: passing that file to a child switches the
// socket to blocking mode for every process that shares it. A worker that then
// loses the race for a connection would hang in accept until the next one.
func (l *Listener) File() (*os.File, error) {
	raw, err := l.raw()
	if err != nil {
		return nil, fmt.Errorf("sharing %s: %w", l.address, err)
	}
	fd := -1
	var failed error
	err = raw.Control(func(own uintptr) {
		fd, failed = duplicate(own)
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("sharing %s: %w", l.address, err)
	}
	return os.NewFile(uintptr(fd), l.address.String()), nil
}
