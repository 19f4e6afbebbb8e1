package listen

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRetireLosesNoConnection checks that every opened connection is answered
// while the listener retires. It opens connections as fast as it can. A refused
// connection is allowed, since a proxy then tries the next worker.
func TestRetireLosesNoConnection(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "l")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	tests := []struct {
		name    string
		address func() Address
	}{
		{"tcp", func() Address { return Address{Network: TCP, Host: "127.0.0.1"} }},
		{"unix", func() Address { return Address{Network: Unix, Path: filepath.Join(dir, "s")} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 15 {
				l, err := Open(t.Context(), tt.address())
				require.NoError(t, err)
				made, lost := hammer(t, l)
				assert.Positive(t, made)
				if lost > 0 && tt.name == "tcp" && !filters(t) {
					t.Skip("this kernel takes no filters on sockets: a connection may come between the last look and the close")
				}
				assert.Zero(t, lost, "of %d connections", made)
			}
		})
	}
}

// filters reports whether a listening socket can refuse new connections on this
// system.
func filters(t *testing.T) bool {
	t.Helper()
	l, err := Open(t.Context(), Address{Network: TCP, Host: "127.0.0.1"})
	require.NoError(t, err)
	defer l.Close()
	raw, err := l.raw()
	require.NoError(t, err)
	var attached error
	require.NoError(t, raw.Control(func(fd uintptr) { attached = dropSYN(fd) }))
	return attached == nil
}

func hammer(t *testing.T, l *Listener) (made, lost int64) {
	t.Helper()
	var accepting, clients sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				assert.ErrorIs(t, err, net.ErrClosed)
				return
			}
			go answer(c)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var nMade, nLost atomic.Int64
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				c, err := (&net.Dialer{Timeout: 100 * time.Millisecond}).DialContext(ctx, l.Addr().Network(), l.Addr().String())
				if err != nil {
					return // refused: the listener is closed
				}
				nMade.Add(1)
				if err := ask(c); err != nil {
					nLost.Add(1)
				}
				_ = c.Close()
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	require.NoError(t, l.Retire(t.Context()))
	accepting.Wait()
	clients.Wait()
	return nMade.Load(), nLost.Load()
}

func ask(c net.Conn) error {
	if _, err := c.Write([]byte("?")); err != nil {
		return err
	}
	b, err := io.ReadAll(c)
	if err == nil && string(b) != "!" {
		err = errors.New("no answer")
	}
	return err
}

func answer(c net.Conn) {
	if _, err := c.Read(make([]byte, 1)); err == nil {
		_, _ = c.Write([]byte("!"))
	}
	_ = c.Close()
}

func TestSuccessorsSocketStays(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "l")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	a := Address{Network: Unix, Path: filepath.Join(dir, "s")}
	old, err := Open(t.Context(), a)
	require.NoError(t, err)
	_, err = Open(t.Context(), a)
	require.ErrorContains(t, err, "in use by another process")
	require.NoError(t, os.Remove(a.Path))
	successor, err := Open(t.Context(), a)
	require.NoError(t, err)
	require.NoError(t, old.Close())
	assert.FileExists(t, a.Path)
	require.NoError(t, successor.Close())
	assert.NoFileExists(t, a.Path)
}

func TestAFileThatIsNoSocketStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "precious")
	require.NoError(t, os.WriteFile(path, []byte("data"), 0o600))
	_, err := Open(t.Context(), Address{Network: Unix, Path: path})
	require.ErrorContains(t, err, "is not a socket")
	assert.FileExists(t, path)
}
