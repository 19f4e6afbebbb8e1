// Package listen opens the sockets on which a worker accepts connections:
// inherited from a supervisor, a Unix socket, or a TCP port. It also closes
// them without losing connections that the kernel has already accepted.
package listen

import (
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
)

// Network is the kind of an Address.
type Network string

const (
	// Inherited is a listening socket from the parent process.
	Inherited Network = "fd"
	// Unix is the worker's own Unix socket.
	Unix Network = "unix"
	// TCP is the worker's own TCP port.
	TCP Network = "tcp"
)

// Address is the address of a listening socket.
type Address struct {
	Network Network
	// FD is the file descriptor (Inherited).
	FD int
	// Path is the socket's file (Unix).
	Path string
	// Mode and Group are those of the socket's file (Unix). Mode 0 is 0660. An
	// empty Group is the process's own group.
	Mode  fs.FileMode
	Group string
	// Host and Port are the TCP address. An empty Host is every interface. For
	// port 0, the kernel chooses a port.
	Host string
	Port int
}

// MaxUnixPath is the longest path that fits into Linux's sockaddr_un, in bytes.
const MaxUnixPath = 107

// Parse reads "fd:0", "unix:/path" or "tcp:host:port".
func Parse(s string) (Address, error) {
	kind, rest, _ := strings.Cut(s, ":")
	switch Network(kind) {
	case Inherited:
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 || n > 1<<20 || strconv.Itoa(n) != rest {
			return Address{}, fmt.Errorf("%.100q has no file descriptor after fd:; for example \"fd:0\"", s)
		}
		return Address{Network: Inherited, FD: n}, nil
	case Unix:
		if !strings.HasPrefix(rest, "/") || strings.ContainsRune(rest, 0) {
			return Address{}, fmt.Errorf("%.100q has no absolute path after unix:; for example \"unix:/run/api/api.sock\"", s)
		}
		if len(rest) > MaxUnixPath {
			return Address{}, fmt.Errorf("%.100q… is longer than the %d bytes that a Unix socket's path may have", s, MaxUnixPath)
		}
		return Address{Network: Unix, Path: rest}, nil
	case TCP:
		host, port, err := net.SplitHostPort(rest)
		if err != nil {
			return Address{}, fmt.Errorf("%.100q has no host:port after tcp:; for example \"tcp:127.0.0.1:3000\"", s)
		}
		n, err := strconv.Atoi(port)
		if err != nil || n < 0 || n > 65535 || strconv.Itoa(n) != port {
			return Address{}, fmt.Errorf("%.100q has no port from 0 to 65535; for example \"tcp:127.0.0.1:3000\"", s)
		}
		return Address{Network: TCP, Host: host, Port: n}, nil
	default:
		return Address{}, fmt.Errorf("%.100q is not one of \"fd:0\", \"unix:/path\", \"tcp:host:port\"", s)
	}
}

// String returns the address in the form that Parse reads.
func (a Address) String() string {
	switch a.Network {
	case Inherited:
		return "fd:" + strconv.Itoa(a.FD)
	case Unix:
		return "unix:" + a.Path
	case TCP:
		return "tcp:" + net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
	}
	return ""
}
