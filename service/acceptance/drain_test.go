package acceptance

import (
	"bufio"
	"errors"
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
	"golang.org/x/sys/unix"

	"escala/service/status"
)

const (
	// linger is the shortest value that the service accepts.
	linger = time.Second
	// far is later than any wait of a test. If a worker with this limit ends,
	// the limit was not the reason.
	far = 2 * maxWait
)

// onPort starts a worker on its own port.
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
	p, address := onPort(t, "DRAIN_LINGER="+far.String(), "DRAIN_TIMEOUT="+(2*far).String())
	c := dial(t, address, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
	await(t, func() bool { return p.status().InFlight == 1 })
	p.signal(syscall.SIGTERM)
	await(t, func() bool { return p.status().Draining })

	require.ErrorContains(t, status.Probe(t.Context(), p.admin, "/ready"), "503: draining", "not ready while draining")
	require.NoError(t, status.Probe(t.Context(), p.admin, "/health"), "but healthy")
	// A connection during the closing of the socket is refused at the client's
	// second SYN, which its kernel sends after a second (listen.Retire).
	awaitRefusal(t, address)

	_, err := io.WriteString(c, "llo")
	require.NoError(t, err)
	res, body := answer(t, bufio.NewReader(c))
	assert.Equal(t, "hello", body)
	assert.True(t, res.Close, "the client is asked to leave although its request began before the drain")
	assert.Equal(t, 0, p.wait(), "it ends as soon as nothing is open")
}

// awaitRefusal waits until new connections are refused.
func awaitRefusal(t *testing.T, address string) {
	t.Helper()
	await(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return true
		}
		require.NoError(t, c.Close())
		return false
	}, "connections are still accepted")
}

func TestDrainAnswersStragglersOnIdleConnections(t *testing.T) {
	t.Parallel()
	p, address := onPort(t, "DRAIN_LINGER="+far.String(), "DRAIN_TIMEOUT="+(2*far).String())
	c := dial(t, address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	r := bufio.NewReader(c)
	res, _ := answer(t, r)
	require.False(t, res.Close)
	p.signal(syscall.SIGTERM)
	awaitRefusal(t, address)
	_, err := io.WriteString(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
	require.NoError(t, err)
	res, body := answer(t, r)
	assert.Equal(t, "hello", body)
	assert.True(t, res.Close)
	assert.Equal(t, 0, p.wait(), "the last connection is gone, so nothing is waited for")
}

func TestDrainAnnouncesBeforeItStopsAccepting(t *testing.T) {
	t.Parallel()
	p, address := onPort(t, "DRAIN_ANNOUNCE=10s")
	begin := time.Now()
	p.signal(syscall.SIGTERM)
	await(t, func() bool { return p.status().Draining })
	served, body, served1 := fetch(t.Context(), "http://"+address+"/")
	ready, _, served2 := fetch(t.Context(), "http://"+address+"/ready")
	if took := time.Since(begin); took > 9*time.Second {
		t.Skipf("the computer was too busy: two requests took %s of the 10 s of the announcement", took)
	}
	require.NoError(t, errors.Join(served1, served2), "new connections are still served")
	assert.Equal(t, http.StatusOK, served.StatusCode, body)
	assert.Equal(t, http.StatusServiceUnavailable, ready.StatusCode)
	assert.Equal(t, 0, p.wait())
	assert.GreaterOrEqual(t, time.Since(begin), 10*time.Second)
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
			p, address := onPort(t, "DRAIN_TIMEOUT="+far.String())
			for range 3 {
				dial(t, address, tt.sent)
			}
			await(t, func() bool { return p.status().Connections == 3 })
			begin := time.Now()
			p.signal(syscall.SIGTERM)
			assert.Equal(t, 0, p.wait())
			assert.GreaterOrEqual(t, time.Since(begin), linger-50*time.Millisecond, "each had its time to speak")
		})
	}
}

func TestPeerThatDoesNotReadDoesNotHoldADrain(t *testing.T) {
	t.Parallel()
	p, address := onPort(t, "HTTP_MAX_BODY_BYTES=100000000", "DRAIN_TIMEOUT="+far.String())
	c := dial(t, address, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n")
	_, err := c.Write(make([]byte, 20_000_000)) // the answer is larger than the kernel's buffers
	require.NoError(t, err)
	awaitAnswer(t, c)
	p.signal(syscall.SIGTERM)
	assert.Equal(t, 0, p.wait(), "before the limit")
}

// awaitAnswer waits until the kernel has a part of the answer, and does not
// read it.
func awaitAnswer(t *testing.T, c net.Conn) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	await(t, func() bool {
		n := 0
		require.NoError(t, raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }))
		require.NoError(t, err)
		return n > 0
	}, "no answer comes")
}

func TestSlowReaderGetsItsWholeAnswer(t *testing.T) {
	t.Parallel()
	const size = 20_000_000
	p, address := onPort(t, "HTTP_MAX_BODY_BYTES=100000000", "DRAIN_TIMEOUT="+far.String())
	c := dial(t, address, fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size))
	_, err := c.Write(make([]byte, size))
	require.NoError(t, err)
	awaitAnswer(t, c)
	p.signal(syscall.SIGTERM)
	begin := time.Now()
	res, err := http.ReadResponse(bufio.NewReaderSize(c, 64<<10), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	got, last, silence := 0, begin, time.Duration(0)
	buffer := make([]byte, 256<<10)
	for err == nil { // about 5 MB/s: the transfer lasts longer than linger, with no pause of that length
		var n int
		n, err = res.Body.Read(buffer)
		got += n
		time.Sleep(time.Duration(n) * time.Second / 8_000_000)
		silence, last = max(silence, time.Since(last)), time.Now()
	}
	if silence > linger/2 {
		t.Skipf("the computer was too busy: this client did not read for %s, as a silent one does", silence)
	}
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, size, got)
	assert.Greater(t, time.Since(begin), 2*linger)
	assert.Equal(t, 0, p.wait())
}

func TestDrainLimitSaysWhatWasOpen(t *testing.T) {
	t.Parallel()
	p, address := onPort(t, "DRAIN_TIMEOUT=2s", "DRAIN_CLOSE_JITTER=1s")
	dial(t, address, "GET /slow?ms=60000 HTTP/1.1\r\nHost: x\r\n\r\n")
	await(t, func() bool { return p.status().InFlight == 1 })
	begin := time.Now()
	p.signal(syscall.SIGTERM)
	assert.Equal(t, 1, p.wait())
	assert.GreaterOrEqual(t, time.Since(begin), 2*time.Second)
	assert.Contains(t, p.output(), "1 connections (1 active, 0 WebSockets) were still open: GET /slow from 127.0.0.1")
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(second.String(), func(t *testing.T) {
			t.Parallel()
			p, address := onPort(t, "DRAIN_TIMEOUT="+far.String())
			dial(t, address, "GET /slow?ms=60000 HTTP/1.1\r\nHost: x\r\n\r\n")
			await(t, func() bool { return p.status().InFlight == 1 })
			p.signal(syscall.SIGTERM)
			await(t, func() bool { return p.status().Draining })
			p.signal(second)
			assert.Equal(t, 1, p.wait(), "cut, long before the request or the drain would have ended")
			assert.Contains(t, p.output(), "1 connections (1 active, 0 WebSockets) were still open: GET /slow")
		})
	}
}

func TestInterruptedBeforeReady(t *testing.T) {
	t.Parallel()
	p := unready(t, nil, "PORT=0")
	p.signal(syscall.SIGINT)
	code := p.wait()
	if code != -1 { // -1: the signal came before the process handled signals
		assert.Equal(t, 0, code)
		assert.NotContains(t, strings.ToLower(p.output()), "panic")
	}
}
