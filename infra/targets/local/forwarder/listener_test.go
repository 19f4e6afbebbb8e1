package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestTheQueueIsShort checks the length of the queue. With a long queue, a busy
// forwarder works for clients that have given up.
func TestTheQueueIsShort(t *testing.T) {
	t.Parallel()
	l, err := listenOn(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	raw, err := l.(syscall.Conn).SyscallConn()
	require.NoError(t, err)
	var info *unix.TCPInfo
	require.NoError(t, raw.Control(func(fd uintptr) {
		info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	}))
	require.NoError(t, err)
	// For a listening socket, this field is the length of its queue (tcp_get_info).
	assert.EqualValues(t, backlog, info.Sacked)
}

// TestAnIdleConnectionHoldsNoPipes checks that an idle connection, such as a
// WebSocket, needs only two file descriptors of the forwarder: its two sockets.
func TestAnIdleConnectionHoldsNoPipes(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(folder, "target")
	require.NoError(t, os.WriteFile(target, []byte(machine(t, "m")+"\n"), 0o600))
	before := pipes(t)
	address, _ := serve(t, target)
	for range 30 {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		fmt.Fprintln(c, "hello")
		said, err := bufio.NewReader(c).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "m hello\n", said)
	}
	assert.Less(t, pipes(t)-before, 30, "a pipe for each direction would be 120 descriptors")
}

// pipes counts the descriptors of this process that are ends of pipes.
func pipes(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}

// TestLocalhostIsBothLoopbacks checks a client that takes the IPv6 address of
// "localhost", and no other.
func TestLocalhostIsBothLoopbacks(t *testing.T) {
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("this computer has no IPv6: %s", err)
	}
	require.NoError(t, probe.Close())
	target := filepath.Join(t.TempDir(), "target")
	require.NoError(t, os.WriteFile(target, []byte(machine(t, "one")), 0o600))
	address, done := serve(t, target)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	assert.Equal(t, "one a\n", dial(t, net.JoinHostPort("::1", port)).ask(t, "a"))
	assert.Equal(t, "one b\n", dial(t, address).ask(t, "b"))
	assert.Empty(t, done)
}

// TestAnotherServerOnTheSecondLoopback checks that the address serves without [::1].
func TestAnotherServerOnTheSecondLoopback(t *testing.T) {
	other, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("this computer has no IPv6: %s", err)
	}
	defer other.Close()
	_, port, err := net.SplitHostPort(other.Addr().String())
	require.NoError(t, err)
	listeners, err := listenOnLoopbacks(t.Context(), net.JoinHostPort("127.0.0.1", port))
	require.NoError(t, err)
	for _, l := range listeners {
		defer l.Close()
	}
	assert.Len(t, listeners, 1)
}
