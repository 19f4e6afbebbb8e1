package server

import (
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/config"
)

// pair returns a tracked connection and its peer, both in memory.
func pair(t *testing.T) (*conn, net.Conn) {
	t.Helper()
	nc, peer := net.Pipe()
	c := newConns(nil, config.HTTP{}, time.Now()).add(nc)
	t.Cleanup(func() { _ = c.Close(); _ = peer.Close() })
	return c, peer
}

// read reads one byte and returns the time that it took.
func read(c net.Conn) (time.Duration, error) {
	begin := time.Now()
	_, err := c.Read(make([]byte, 1))
	return time.Since(begin), err
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

func TestDeadlines(t *testing.T) {
	t.Parallel()
	const soon, later = 100 * time.Millisecond, 300 * time.Millisecond
	tests := []struct {
		name  string
		moves []time.Duration // 0 means no deadline
		want  time.Duration
	}{
		{"one", []time.Duration{soon}, soon},
		{"moved away", []time.Duration{soon, later}, later},
		{"moved closer", []time.Duration{later, soon}, soon},
		{"none, then one", []time.Duration{0, soon}, soon},
		{"one, none, one", []time.Duration{soon, 0, later}, later},
		{"away and back", []time.Duration{soon, time.Hour, soon}, soon},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, _ := pair(t)
				for _, d := range tt.moves {
					var at time.Time
					if d != 0 {
						at = in(d)
					}
					require.NoError(t, c.SetReadDeadline(at))
				}
				took, err := read(c)
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				assert.Equal(t, tt.want, took)
			})
		})
	}
}

func TestClearedDeadlineDoesNotFire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, peer := pair(t)
		require.NoError(t, c.SetDeadline(in(50*time.Millisecond)))
		require.NoError(t, c.SetDeadline(time.Time{}))
		time.AfterFunc(150*time.Millisecond, func() { _, _ = peer.Write([]byte("x")) })
		took, err := read(c)
		require.NoError(t, err)
		assert.Equal(t, 150*time.Millisecond, took)
	})
}

// TestInterruptedRead checks an interruption of a read like that of net/http's
// background read.
func TestInterruptedRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, peer := pair(t)
		require.NoError(t, c.SetReadDeadline(in(time.Hour)))
		ended := make(chan error)
		go func() {
			_, err := read(c)
			ended <- err
		}()
		synctest.Wait()
		require.NoError(t, c.SetReadDeadline(time.Unix(1, 0)))
		require.ErrorIs(t, <-ended, os.ErrDeadlineExceeded, "a read that is under way")
		_, err := read(c)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "a read that comes later")
		require.NoError(t, c.SetReadDeadline(time.Time{}))
		go func() { _, _ = peer.Write([]byte("x")) }()
		_, err = read(c)
		require.NoError(t, err)
	})
}
