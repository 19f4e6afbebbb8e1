package acceptance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/status"
)

// linger is the shortest that the service accepts.
const linger = time.Second

// onPort starts a worker on a port of its own.
func onPort(t *testing.T, env ...string) (*process, string) {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	return worker(t, nil, append([]string{"LISTEN=tcp:" + address, "DRAIN_LINGER=" + linger.String()}, env...)...), address
}

// dial opens a raw connection and sends s on it.
func dial(t *testing.T, address, s string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, s)
	require.NoError(t, err)
	return c
}

// answer reads one response.
func answer(t *testing.T, r *bufio.Reader) (reply, string) {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	got, body, err := replied(res)
	require.NoError(t, err)
	return got, body
}

func TestDrainFinishesRequestsInFlight(t *testing.T) {
	t.Parallel()
	p, address := onPort(t)
	c := dial(t, address, "GET /slow?ms=1500 HTTP/1.1\r\nHost: x\r\n\r\n")
	require.Eventually(t, func() bool { return p.status().InFlight == 1 }, 5*time.Second, 5*time.Millisecond)
	begin := time.Now()
	p.signal(syscall.SIGTERM)
	require.Eventually(t, func() bool { return p.status().Draining }, time.Second, 5*time.Millisecond)

	require.ErrorContains(t, status.Probe(t.Context(), p.admin, "/ready"), "503: draining", "not ready while draining")
	require.NoError(t, status.Probe(t.Context(), p.admin, "/health"), "but healthy")
	// A connection that is asked for while the socket closes is refused at the
	// client's second try, which its kernel makes after a second (listen.Retire).
	require.Eventually(t, func() bool { _, err := net.Dial("tcp", address); return err != nil }, 3*time.Second, 5*time.Millisecond, "nothing new is accepted")

	res, body := answer(t, bufio.NewReader(c))
	assert.Equal(t, "waited 1.5s\n", body)
	assert.True(t, res.Close, "the client is asked to leave although its request began before the drain")
	assert.Equal(t, 0, p.wait(linger))
	assert.Less(t, time.Since(begin), 2500*time.Millisecond, "it ends as soon as nothing is open")
}

func TestDrainAnswersStragglersOnIdleConnections(t *testing.T) {
	t.Parallel()
	p, address := onPort(t)
	c := dial(t, address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	r := bufio.NewReader(c)
	res, _ := answer(t, r)
	require.False(t, res.Close)
	p.signal(syscall.SIGTERM)
	time.Sleep(linger / 2)
	_, err := io.WriteString(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
	require.NoError(t, err)
	res, body := answer(t, r)
	assert.Equal(t, "hello", body)
	assert.True(t, res.Close)
	assert.Equal(t, 0, p.wait(linger/2), "the last connection is gone, so nothing is waited for")
}

func TestDrainAnnouncesBeforeItStopsAccepting(t *testing.T) {
	t.Parallel()
	p, address := onPort(t, "DRAIN_ANNOUNCE=1s")
	p.signal(syscall.SIGTERM)
	require.Eventually(t, func() bool { return p.status().Draining }, time.Second, 5*time.Millisecond)
	res, body := get(t, "http://"+address+"/")
	assert.Equal(t, http.StatusOK, res.StatusCode, "new connections are still served: %s", body)
	res, _ = get(t, "http://"+address+"/ready")
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	assert.Equal(t, 0, p.wait(3*time.Second))
}

func TestSilentPeersDoNotHoldADrain(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sent string }{
		{"never a byte", ""},
		{"half a request line", "GET /"},
		{"half a header", "GET / HTTP/1.1\r\nHost: x\r\nX-A: b"},
		{"half a second request", "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"},
		{"half a body", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf"},
		{"idle after a request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, address := onPort(t)
			for range 3 {
				dial(t, address, tt.sent)
			}
			require.Eventually(t, func() bool { return p.status().Connections == 3 }, 5*time.Second, 5*time.Millisecond)
			begin := time.Now()
			p.signal(syscall.SIGTERM)
			assert.Equal(t, 0, p.wait(5*time.Second))
			assert.GreaterOrEqual(t, time.Since(begin), linger-50*time.Millisecond, "each had its time to speak")
			assert.Less(t, time.Since(begin), linger+time.Second)
		})
	}
}

func TestPeerThatDoesNotReadDoesNotHoldADrain(t *testing.T) {
	t.Parallel()
	p, address := onPort(t, "HTTP_MAX_BODY_BYTES=100000000")
	c := dial(t, address, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n")
	_, err := c.Write(make([]byte, 20_000_000)) // the answer is more than the kernel buffers
	require.NoError(t, err)
	time.Sleep(200 * time.Millisecond)
	p.signal(syscall.SIGTERM)
	assert.Equal(t, 0, p.wait(15*time.Second), "well before the limit of 20 s")
}

func TestSlowReaderGetsItsWholeAnswer(t *testing.T) {
	t.Parallel()
	const size = 20_000_000
	p, address := onPort(t, "HTTP_MAX_BODY_BYTES=100000000")
	c := dial(t, address, fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size))
	_, err := c.Write(make([]byte, size))
	require.NoError(t, err)
	p.signal(syscall.SIGTERM)
	res, err := http.ReadResponse(bufio.NewReaderSize(c, 64<<10), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	got := 0
	buffer := make([]byte, 256<<10)
	begin := time.Now()
	for err == nil { // about 5 MB/s: longer than linger, never silent for so long
		var n int
		n, err = res.Body.Read(buffer)
		got += n
		time.Sleep(time.Duration(n) * time.Second / 8_000_000)
	}
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, size, got)
	assert.Greater(t, time.Since(begin), 2*linger)
	assert.Equal(t, 0, p.wait(2*time.Second))
}

func TestDrainLimitSaysWhatWasOpen(t *testing.T) {
	t.Parallel()
	p, address := onPort(t, "DRAIN_TIMEOUT=2s", "DRAIN_CLOSE_JITTER=1s")
	dial(t, address, "GET /slow?ms=30000 HTTP/1.1\r\nHost: x\r\n\r\n")
	require.Eventually(t, func() bool { return p.status().InFlight == 1 }, 5*time.Second, 5*time.Millisecond)
	begin := time.Now()
	p.signal(syscall.SIGTERM)
	assert.Equal(t, 1, p.wait(5*time.Second))
	assert.InDelta(t, 2, time.Since(begin).Seconds(), 0.8)
	assert.Contains(t, p.output(), "1 connections (1 active, 0 WebSockets) were still open: GET /slow from 127.0.0.1")
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(second.String(), func(t *testing.T) {
			t.Parallel()
			p, address := onPort(t)
			dial(t, address, "GET /slow?ms=30000 HTTP/1.1\r\nHost: x\r\n\r\n")
			require.Eventually(t, func() bool { return p.status().InFlight == 1 }, 5*time.Second, 5*time.Millisecond)
			p.signal(syscall.SIGTERM)
			require.Eventually(t, func() bool { return p.status().Draining }, time.Second, 5*time.Millisecond)
			begin := time.Now()
			p.signal(second)
			assert.Equal(t, 1, p.wait(time.Second))
			assert.Less(t, time.Since(begin), 500*time.Millisecond)
			assert.Contains(t, p.output(), "GET /slow")
		})
	}
}

func TestInterruptedBeforeReady(t *testing.T) {
	t.Parallel()
	p := unready(t, nil, "PORT=0")
	p.signal(syscall.SIGINT)
	code := p.wait(5 * time.Second)
	if code != -1 { // the signal may come before the process listens to signals
		assert.Equal(t, 0, code)
		assert.NotContains(t, strings.ToLower(p.output()), "panic")
	}
}
