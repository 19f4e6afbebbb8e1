// Package listen opens the sockets on which a worker takes connections:
// inherited from a supervisor, a Unix socket, or a TCP port. It also closes
// them without losing the connections that the kernel has accepted already.
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
	// Inherited is a listening socket that the parent process opened.
	Inherited Network = "fd"
	// Unix is a Unix socket of the worker's own.
	Unix Network = "unix"
	// TCP is a TCP port of the worker's own.
	TCP Network = "tcp"
)

// Address is where to listen.
type Address struct {
	Network Network
	// FD is the file descriptor (Inherited).
	FD int
	// Path is the socket's file (Unix).
	Path string
	// Mode and Group are the file's; 0 is 0660, and "" the process's own group
	// (Unix).
	Mode  fs.FileMode
	Group string
	// Host and Port are the TCP address; an empty Host is every interface, and
	// port 0 one that the kernel chooses (TCP).
	Host string
	Port int
}

// MaxUnixPath is the longest path that fits into Linux' sockaddr_un.
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
		return Address{}, fmt.Errorf("%.100q is none of \"fd:0\", \"unix:/path\", \"tcp:host:port\"", s)
	}
}

// String is the address as Parse reads it.
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
