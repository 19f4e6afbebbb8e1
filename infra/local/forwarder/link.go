package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// link opens connections to machines, and only over the interface of this
// computer that they are attached to. While a machine is off, its network has no
// interface, and a connection would take the way to the Internet: a user's
// requests would go to whoever has that address there.
type link struct {
	mu sync.Mutex
	// devices are interfaces by the address of a machine. One that is gone makes
	// dialing fail, which is what is wanted; then it is looked for anew.
	devices map[netip.Addr]string
}

var errOff = errors.New("no interface of this computer leads to the machine: it is off")

func newLink() *link { return &link{devices: map[netip.Addr]string{}} }

// dial connects to host:port, where host is an IP address.
func (l *link) dial(ctx context.Context, address string) (net.Conn, error) {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("the target is no address and port: %w", err)
	}
	device, err := l.device(target.Addr())
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: 5 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		var bound error
		if err := c.Control(func(fd uintptr) { bound = syscall.BindToDevice(int(fd), device) }); err != nil {
			return err
		}
		return bound
	}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		l.forget(target.Addr())
		return nil, err
	}
	return conn, nil
}

// device is the interface in whose network the address is.
func (l *link) device(ip netip.Addr) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if device, known := l.devices[ip]; known {
		return device, nil
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return "", fmt.Errorf("looking at this computer's interfaces: %w", err)
	}
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil {
			continue // it has just gone
		}
		for _, a := range addresses {
			if network, err := netip.ParsePrefix(a.String()); err == nil && network.Contains(ip) && i.Flags&net.FlagUp != 0 {
				l.devices[ip] = i.Name
				return i.Name, nil
			}
		}
	}
	return "", errOff
}

func (l *link) forget(ip netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.devices, ip)
}
