package server

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTooManyConnections checks a limit of three connections against clients that
// open many more and send nothing.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	s, address, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}, map[string]string{"HTTP_MAX_CONNECTIONS": "3", "HTTP_READ_HEADER_TIMEOUT": "2s"})
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	var served []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		res, _ := askOn(t, c, bufio.NewReader(c), request)
		assert.Equal(t, http.StatusOK, res.StatusCode)
		served = append(served, c)
	}
	res, body := ask(t, address, request)
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	assert.Equal(t, "1", res.Header.Get("Retry-After"))
	assert.True(t, res.Close)
	assert.Contains(t, body, "try again")

	for range 3 * reserve {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
	}
	res, _ = ask(t, address, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, http.StatusOK, res.StatusCode, "probes are answered while strangers fill the worker")
	// A connection that makes place for another one is closed at once, but counts
	// until its goroutine ends.
	require.Eventually(t, func() bool { return s.Connections() <= 3+reserve }, maxWait, 5*time.Millisecond)
	assert.Positive(t, s.conns.refused.Load())

	require.NoError(t, served[0].Close())
	require.Eventually(t, func() bool {
		res, _ := ask(t, address, request)
		return res.StatusCode == http.StatusOK
	}, maxWait, 20*time.Millisecond, "there is room again")
}

// TestUnfinishedHeadersAreBoundedInAll checks the limit of bytes of all
// unfinished headers, with clients that begin long headers and never finish them.
func TestUnfinishedHeadersAreBoundedInAll(t *testing.T) {
	t.Parallel()
	s, address, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}, nil)
	s.conns.maxPending = 256 << 10
	for range 40 {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nA: "+strings.Repeat("a", 30<<10)) // it may be closed by now
	}
	require.Eventually(t, func() bool { return s.conns.refused.Load() > 0 }, 10*time.Second, time.Millisecond, "the longest are given up")
	res, _ := ask(t, address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, http.StatusOK, res.StatusCode, "and short ones are not")
	assert.LessOrEqual(t, s.conns.pending.Load(), s.conns.maxPending)
}
