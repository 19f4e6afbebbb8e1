package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// ip runs ip(8) in the namespace of the test's thread.
func ip(t *testing.T, args string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(args)...).CombinedOutput()
	require.NoError(t, err, "ip %s: %s", args, out)
}

// listenIPv4 counts the IPv4 packets that arrive at an interface of the
// thread's namespace. It ignores IPv6, which sends announcements at any time.
func listenIPv4(t *testing.T, name string) (heard func() int) {
	t.Helper()
	i, err := net.InterfaceByName(name)
	require.NoError(t, err)
	// The kernel expects the number in network byte order.
	ipv4 := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_IP))
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(ipv4))
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(socket) })
	require.NoError(t, unix.Bind(socket, &unix.SockaddrLinklayer{Protocol: ipv4, Ifindex: i.Index}))
	packet := make([]byte, 2048)
	return func() (n int) {
		for {
			_, _, err := unix.Recvfrom(socket, packet, 0)
			if errors.Is(err, unix.EAGAIN) {
				return n
			}
			require.NoError(t, err)
			n++
		}
	}
}

// TestAGatewayIsNoWayToAMachine checks that no packet for a machine goes to the
// gateway. The computer has only a default route, because the machines' network has
// just lost its route. The test has its own network namespace, so no packet could
// leave the computer anyway.
func TestAGatewayIsNoWayToAMachine(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a network namespace")
	}
	// The thread stays locked, so it ends with the test, and the namespace ends with
	// the thread.
	runtime.LockOSThread()
	require.NoError(t, unix.Unshare(unix.CLONE_NEWNET))
	ip(t, "link set lo up")
	ip(t, "link add uplink type veth peer name far")
	ip(t, "link set far up")
	ip(t, "link set uplink up")
	ip(t, "addr add 192.0.2.2/24 dev uplink")
	ip(t, "route add default via 192.0.2.1")
	ip(t, "neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev uplink")
	// The address still exists and is known, but the network's route is gone.
	ip(t, "addr add 198.51.100.1/32 dev lo")
	heard := listenIPv4(t, "far")

	machine := netip.MustParseAddrPort("198.51.100.2:80")
	machines := newDialer()
	machines.sources[machine.Addr()] = netip.MustParseAddr("198.51.100.1")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := machines.dial(ctx, machine.String())
	require.ErrorIs(t, err, unix.ENETUNREACH)
	assert.Zero(t, heard(), "something went to the gateway")

	// An ordinary connection does use the gateway, which proves that the network is
	// set up.
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = new(net.Dialer).DialContext(ctx, "tcp", machine.String())
	require.Error(t, err)
	assert.NotZero(t, heard())
}
