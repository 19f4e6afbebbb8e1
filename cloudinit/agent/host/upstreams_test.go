package host

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent"
)

// TestNginxThatDoesNotAnswerIsNotDown checks the difference: an Nginx that does not
// answer may have requests in flight, and may send more. Only one that does not run
// has none.
func TestNginxThatDoesNotAnswerIsNotDown(t *testing.T) {
	t.Parallel()
	root, err := os.MkdirTemp("", "up") // short, for the socket
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	u := Upstreams{Root: Root(root)}
	ask := func() (use, busy error) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		use = u.Use(ctx, nil)
		_, busy = u.Busy(ctx)
		return use, busy
	}
	use, busy := ask()
	require.NoError(t, use, "it reads the file at its start")
	require.ErrorIs(t, busy, agent.ErrProxyDown, "there is no socket")

	socket := root + UpstreamsSocket
	require.NoError(t, os.MkdirAll(filepath.Dir(socket), 0o700))
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	use, busy = ask()
	require.Error(t, use)
	require.Error(t, busy)
	require.NotErrorIs(t, busy, agent.ErrProxyDown)

	require.NoError(t, l.Close())
	use, busy = ask()
	require.NoError(t, use)
	require.ErrorIs(t, busy, agent.ErrProxyDown, "a killed Nginx has left it behind")
}
