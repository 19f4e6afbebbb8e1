package main

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLinkLeadsToAttachedNetworksOnly(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	link := newLink()
	conn, err := link.dial(t.Context(), l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	assert.Equal(t, "lo", link.devices[conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()])

	// A network for measurements (RFC 2544), which nobody is attached to: not one
	// packet may leave for it.
	_, err = link.dial(t.Context(), "198.19.255.1:80")
	require.ErrorIs(t, err, errOff)

	_, err = link.dial(t.Context(), "somewhere.example:80")
	assert.ErrorContains(t, err, "no address and port")
}

func TestLinkDoesNotTakeAnotherWay(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	address := l.Addr().(*net.TCPAddr).AddrPort()
	link := newLink()
	link.devices[address.Addr()] = "gone0" // the interface that it was attached to
	_, err = link.dial(t.Context(), address.String())
	require.Error(t, err)
	conn, err := link.dial(t.Context(), address.String()) // it is back, under another name
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
