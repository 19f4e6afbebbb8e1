package main

import (
	"context"
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
func ip(t *testing.T, args string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(args)...).CombinedOutput()
	require.NoError(t, err, "ip %s: %s", args, out)
	return string(out)
}

// A computer whose only way on is a gateway, and a machine's network that has just
// lost its interface's route: nothing may go to the gateway. The network is one of
// the test's own, so nothing could leave it either way.
func TestAGatewayIsNoWayToAMachine(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a network namespace")
	}
	// The thread is not unlocked: it ends with the test, and the namespace with it.
	runtime.LockOSThread()
	require.NoError(t, unix.Unshare(unix.CLONE_NEWNET))
	ip(t, "link set lo up")
	ip(t, "link add uplink type veth peer name far")
	ip(t, "link set far up")
	ip(t, "link set uplink up")
	ip(t, "addr add 192.0.2.2/24 dev uplink")
	ip(t, "route add default via 192.0.2.1")
	ip(t, "neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev uplink")
	// The address is still there, and known; the network is not.
	ip(t, "addr add 198.51.100.1/32 dev lo")
	sent := func() string { return ip(t, "-s link show uplink") }

	machine := netip.MustParseAddrPort("198.51.100.2:80")
	link := newLink()
	link.own[machine.Addr()] = netip.MustParseAddr("198.51.100.1")
	before := sent()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := link.dial(ctx, machine.String())
	require.ErrorIs(t, err, unix.ENETUNREACH)
	assert.Equal(t, before, sent(), "something went to the gateway")
}
