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

	"golang.org/x/sys/unix"
)

// link opens connections to machines, and only over the interface of this
// computer that they are attached to. While a machine is off, its network has no
// interface, and a connection would take the way to the Internet: a user's
// requests would go to whoever has that address there. So connections begin at
// this computer's own address in the machine's network, and no gateway may take
// them: without the interface there is no such address, and without its route
// nothing is sent.
//
// To bind them to the interface (SO_BINDTODEVICE) would do harm. To Linux a bound
// socket and one that is not, the health gate's or curl's, are no conflict, so it
// gives both the same source port to the same machine. The machine takes the
// second one's SYN for the first one's, and the first one's request is lost:
// seen three times in some 500,000 requests under load.
type link struct {
	mu sync.Mutex
	// own are this computer's addresses by the address of a machine. One that is
	// gone makes dialing fail, which is what is wanted; then it is looked for anew.
	own map[netip.Addr]netip.Addr
}

var errOff = errors.New("no interface of this computer leads to the machine: it is off")

func newLink() *link { return &link{own: map[netip.Addr]netip.Addr{}} }

// dial connects to host:port, where host is an IP address.
func (l *link) dial(ctx context.Context, address string) (net.Conn, error) {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("the target is no address and port: %w", err)
	}
	own, err := l.ownAddress(target.Addr())
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{
		Timeout:   5 * time.Second,
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(own, 0)),
		Control:   func(_, _ string, c syscall.RawConn) error { return stayOnLink(c) },
	}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		l.forget(target.Addr())
		return nil, err
	}
	return conn, nil
}

// stayOnLink forbids gateways. And it leaves the port to be chosen when the target
// is known, so that each machine has all of them and none is given twice.
func stayOnLink(c syscall.RawConn) error {
	var set error
	err := c.Control(func(fd uintptr) {
		set = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DONTROUTE, 1),
			unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		)
	})
	return errors.Join(err, set)
}

// ownAddress is this computer's address in the network of ip.
func (l *link) ownAddress(ip netip.Addr) (netip.Addr, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if own, known := l.own[ip]; known {
		return own, nil
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("looking at this computer's interfaces: %w", err)
	}
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil {
			continue // it has just gone
		}
		for _, a := range addresses {
			if network, err := netip.ParsePrefix(a.String()); err == nil && network.Contains(ip) && i.Flags&net.FlagUp != 0 {
				l.own[ip] = network.Addr()
				return network.Addr(), nil
			}
		}
	}
	return netip.Addr{}, errOff
}

func (l *link) forget(ip netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.own, ip)
}
