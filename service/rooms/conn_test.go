package rooms

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// socketBytes is the size of a connection's buffer in each direction. As with a
// socket, a write returns before the peer reads, until the buffer is full.
const socketBytes = 64 << 10

// conn is one end of a connection in memory. It works in a bubble of
// testing/synctest. Unlike grpc's bufconn, it keeps the contract of net.Conn
// that a cleared deadline does not fire any more: net/http sets and clears one
// in Hijack, while the client's first message may already be on its way.
type conn struct{ in, out *stream }

var _ net.Conn = conn{}

func newConns() (conn, conn) {
	a, b := newStream(), newStream()
	return conn{a, b}, conn{b, a}
}

func (c conn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c conn) Write(b []byte) (int, error) { return c.out.write(b) }

func (c conn) Close() error {
	c.in.close(&c.in.unread)
	c.out.close(&c.out.ended)
	return nil
}

func (conn) LocalAddr() net.Addr  { return &net.UnixAddr{Name: "memory", Net: "unix"} }
func (conn) RemoteAddr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (c conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c conn) SetReadDeadline(t time.Time) error {
	c.in.limit(&c.in.readBy, t)
	return nil
}

func (c conn) SetWriteDeadline(t time.Time) error {
	c.out.limit(&c.out.writeBy, t)
	return nil
}

// stream is one direction of a connection.
type stream struct {
	mu              sync.Mutex
	changed         sync.Cond
	data            bytes.Buffer
	readBy, writeBy time.Time
	// ended reports that the writing end is closed, unread that the reading end
	// is.
	ended, unread bool
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.unread:
			return 0, io.ErrClosedPipe
		case over(s.readBy):
			return 0, os.ErrDeadlineExceeded
		case s.data.Len() > 0:
			n, err := s.data.Read(b)
			s.changed.Broadcast()
			return n, err
		case s.ended:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(b []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.ended, s.unread:
			return n, io.ErrClosedPipe
		case over(s.writeBy):
			return n, os.ErrDeadlineExceeded
		}
		part := b[n:min(len(b), n+socketBytes-s.data.Len())]
		s.data.Write(part)
		if n += len(part); len(part) > 0 {
			s.changed.Broadcast()
		}
		if n == len(b) {
			return n, nil
		}
		s.changed.Wait()
	}
}

// close closes one end of the stream.
func (s *stream) close(end *bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*end = true
	s.changed.Broadcast()
}

// limit sets a deadline. Its timer only wakes the waiting call. The call compares
// the deadline with the clock, so the timer of an earlier deadline has no effect.
func (s *stream) limit(deadline *time.Time, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*deadline = t
	s.changed.Broadcast()
	if d := time.Until(t); !t.IsZero() && d > 0 {
		time.AfterFunc(d, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changed.Broadcast()
		})
	}
}

func over(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

// listener accepts connections in memory.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

var _ net.Listener = (*listener)(nil)

func newListener() *listener {
	return &listener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (*listener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// dial has the signature of http.Transport.DialContext.
func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := newConns()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestADeadlineThatIsClearedDoesNotFire checks the sequence of deadlines that
// net/http sets in Hijack.
func TestADeadlineThatIsClearedDoesNotFire(t *testing.T) {
	t.Parallel()
	for range 1000 {
		synctest.Test(t, func(t *testing.T) {
			a, b := newConns()
			_, err := b.Write([]byte("x"))
			require.NoError(t, err)
			require.NoError(t, a.SetReadDeadline(time.Unix(1, 0)))
			require.NoError(t, a.SetReadDeadline(time.Time{}))
			synctest.Wait()
			n, err := a.Read(make([]byte, 2))
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
	}
}

func TestConnsKeepTheContractOfNetConn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := newConns()
		begin := time.Now()
		require.NoError(t, a.SetDeadline(begin.Add(time.Second)))
		_, err := a.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(begin))
		require.NoError(t, a.SetDeadline(begin.Add(3*time.Second)))
		n, err := a.Write(make([]byte, socketBytes+1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, socketBytes, n, "the buffer is bounded")
		assert.Equal(t, 3*time.Second, time.Since(begin))
		require.NoError(t, a.Close())
		got, err := io.ReadAll(b)
		require.NoError(t, err)
		assert.Len(t, got, socketBytes, "the peer reads what was written before the close")
		_, err = b.Write([]byte("x"))
		require.ErrorIs(t, err, io.ErrClosedPipe)
		_, err = a.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.ErrClosedPipe)
	})
}
