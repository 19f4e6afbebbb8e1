package main

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestDialerLeadsToAttachedNetworksOnly(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	machines := newDialer()
	conn, err := machines.dial(t.Context(), l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	assert.Equal(t, "127.0.0.1", conn.LocalAddr().(*net.TCPAddr).IP.String())

	// 198.19.255.1 is in a network for benchmarks (RFC 2544), to which no interface
	// is attached. No packet may be sent to it.
	_, err = machines.dial(t.Context(), "198.19.255.1:80")
	require.ErrorIs(t, err, errOff)

	_, err = machines.dial(t.Context(), "somewhere.example:80")
	assert.ErrorContains(t, err, "no address and port")
}

func TestDialerDoesNotTakeAnotherWay(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	address := l.Addr().(*net.TCPAddr).AddrPort()
	machines := newDialer()
	// 192.0.2.1 stands for this computer's address in a network that no longer
	// exists (RFC 5737).
	machines.sources[address.Addr()] = netip.MustParseAddr("192.0.2.1")
	_, err = machines.dial(t.Context(), address.String())
	require.Error(t, err)
	conn, err := machines.dial(t.Context(), address.String()) // the dialer finds the right address
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

// TestNobodyElseGetsThePortOfAConnection checks that another socket, such as the
// health gate's, does not get the source port of a connection of the dialer. The
// machine could not tell the two connections apart.
func TestNobodyElseGetsThePortOfAConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	conn, err := newDialer().dial(t.Context(), l.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	taken := conn.LocalAddr().(*net.TCPAddr).Port

	onlyThat := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_LOCAL_PORT_RANGE, taken<<16|taken)
		})
		return errors.Join(err, set)
	}}
	other, err := onlyThat.DialContext(t.Context(), "tcp", l.Addr().String())
	if errors.Is(err, unix.ENOPROTOOPT) {
		t.Skip("a socket's range of ports can be set since Linux 6.3")
	}
	if err == nil {
		other.Close()
	}
	require.ErrorIs(t, err, unix.EADDRNOTAVAIL)
}
