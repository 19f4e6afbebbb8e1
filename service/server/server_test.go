package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/config"
	"escala/service/listen"
	"escala/service/metrics"
)

// maxWait is the time limit for an event in a failing test.
const maxWait = time.Minute

const testRelease = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// logBuffer collects log lines of several goroutines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newServer returns a server with the settings in env.
func newServer(t *testing.T, h http.HandlerFunc, log slog.Handler, env map[string]string) *Server {
	t.Helper()
	c, err := config.ReadWorker(func(name string) string { return env[name] })
	require.NoError(t, err)
	m := metrics.New("api", testRelease)
	s := New(Options{Config: c, Release: testRelease, Handler: h, Metrics: m, Log: slog.New(log)})
	m.Watch(s)
	return s
}

// serve runs a server with the handler until the test ends.
func serve(t *testing.T, h http.HandlerFunc, env map[string]string) (s *Server, address string, log *logBuffer) {
	t.Helper()
	log = &logBuffer{}
	s = newServer(t, h, slog.NewJSONHandler(log, nil), env)
	l, err := listen.Open(t.Context(), listen.Address{Network: listen.TCP, Host: "127.0.0.1"})
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		assert.NoError(t, s.Serve(l))
	}()
	s.State.Set(Ready)
	t.Cleanup(func() {
		hard, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Drain(hard, l, served)
		<-served
	})
	return s, l.Addr().String(), log
}

// ask sends raw bytes and reads one response.
func ask(t *testing.T, address, request string) (reply, string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	return askOn(t, c, bufio.NewReader(c), request)
}

func askOn(t *testing.T, c net.Conn, r *bufio.Reader, request string) (reply, string) {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(maxWait)))
	_, err := io.WriteString(c, request)
	require.NoError(t, err)
	res, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	got, body, err := replied(res)
	require.NoError(t, err)
	return got, body
}

// reply is a response whose body has been read and closed.
type reply struct {
	StatusCode int
	Header     http.Header
	// Close reports that the server asked the client to close the connection.
	Close bool
}

func replied(res *http.Response) (reply, string, error) {
	b, err := io.ReadAll(res.Body)
	if closed := res.Body.Close(); err == nil {
		err = closed
	}
	return reply{res.StatusCode, res.Header, res.Close}, string(b), err
}

func TestHTTP2Cleartext(t *testing.T) {
	t.Parallel()
	_, address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s over %s", r.URL.Path, r.Proto)
	}, nil)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: &http.Transport{Protocols: protocols}}
	for _, path := range []string{"/a", "/b"} {
		res, err := client.Get("http://" + address + path)
		require.NoError(t, err)
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, path+" over HTTP/2.0", string(b))
		assert.Equal(t, []string{testRelease}, res.Header["X-Release"])
		assert.Len(t, res.Header["X-Request-Id"], 1)
	}
	client.CloseIdleConnections()
}

func TestPanicIsLoggedAndTheWorkerGoesOn(t *testing.T) {
	t.Parallel()
	s, address, log := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
		}
		if r.URL.Path != "/fine" {
			panic("a bug in " + r.URL.Path)
		}
	}, nil)
	res, _ := ask(t, address, "GET /early HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, 500, res.StatusCode)
	assert.Contains(t, log.String(), res.Header.Get("X-Request-Id"))
	assert.Contains(t, log.String(), "a bug in /early")
	assert.Contains(t, log.String(), "server_test.go", "with its stack")

	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	_, err = io.WriteString(c, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	late, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	_, _, err = replied(late)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "an answer that is not whole must not look whole")

	res, _ = ask(t, address, "GET /fine HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, 200, res.StatusCode)
	assert.Zero(t, s.InFlight())
	assert.EqualValues(t, 3, s.Requests())
}

func TestBodiesAreLimited(t *testing.T) {
	t.Parallel()
	_, address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%d %v", len(b), err)
	}, map[string]string{"HTTP_MAX_BODY_BYTES": "10"})
	_, body := ask(t, address, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789")
	assert.Equal(t, "10 <nil>", body)
	_, body = ask(t, address, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n0123456789x")
	assert.Contains(t, body, "too large")
}

// TestSilentClientsAreClosed checks the timeouts. It uses connections in memory
// and a clock that stops while code runs.
func TestSilentClientsAreClosed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sent string
		after      time.Duration
	}{
		{"no header", "", 2 * time.Second},
		{"half a header", "GET / HTTP/1.1\r\nHo", 2 * time.Second},
		{"half a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", 4 * time.Second},
		{"idle", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 6 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) }, slog.DiscardHandler, map[string]string{
					"HTTP_READ_HEADER_TIMEOUT": "2s", "HTTP_READ_TIMEOUT": "4s", "HTTP_IDLE_TIMEOUT": "6s",
				})
				l := pipes{make(chan net.Conn), make(chan struct{})}
				go func() { _ = s.http.Serve(tracked{Listener: l, conns: s.conns}) }()
				defer func() { assert.NoError(t, s.http.Close()) }()
				c, peer := net.Pipe()
				l.conns <- peer
				begin := time.Now()
				go func() { _, _ = io.WriteString(c, tt.sent) }()
				_, err := io.Copy(io.Discard, c)
				require.NoError(t, err, "the server closes")
				assert.Equal(t, tt.after, time.Since(begin))
			})
		})
	}
}

// pipes is a listener for connections that the test provides.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

// Accept returns the next connection that the test provides.
func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

// dial connects a client of the test to the server.
func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.conns <- server
	return client, nil
}

// Close ends Accept.
func (p pipes) Close() error {
	close(p.ended)
	return nil
}

// Addr returns a loopback address.
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func TestMetricsOnThePortAreForDirectClients(t *testing.T) {
	t.Parallel()
	_, address, _ := serve(t, http.NotFound, nil)
	res, body := ask(t, address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, 200, res.StatusCode)
	for _, name := range []string{"http_requests_in_flight", "http_connections{phase=\"active\",service=\"api\"} 1", "service_draining{service=\"api\"} 0", "websocket_connections{service=\"api\"} 0", "go_goroutines", "service_release_info{release=\"" + testRelease + "\",service=\"api\"} 1"} {
		assert.Contains(t, body, name)
	}
	res, _ = ask(t, address, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n")
	assert.Equal(t, 404, res.StatusCode, "what comes through a proxy comes from outside")
	_, hidden, _ := serve(t, http.NotFound, map[string]string{"METRICS": "admin"})
	res, _ = ask(t, hidden, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, 404, res.StatusCode)
}

func TestRequestsAreCountedByRoute(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		assert.NotEmpty(t, RequestID(w))
		_, _ = io.WriteString(w, r.PathValue("id"))
	})
	_, address, log := serve(t, mux.ServeHTTP, map[string]string{"LOG_REQUESTS": "all"})
	for _, request := range []string{"GET /items/1", "GET /items/2", "GET /none", "BREW /items/1"} {
		ask(t, address, request+" HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine-1\r\n\r\n")
	}
	_, body := ask(t, address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Contains(t, body, `http_requests_total{method="GET",route="GET /items/{id}",service="api",status="200"} 2`)
	assert.Contains(t, body, `http_requests_total{method="GET",route="",service="api",status="404"} 1`)
	assert.Contains(t, body, `http_requests_total{method="other",route="",service="api",status="405"} 1`)
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(strings.SplitN(log.String(), "\n", 2)[0]), &line))
	assert.Equal(t, "mine-1", line["request_id"], "loopback is trusted to name requests")
	assert.Equal(t, "/items/1", line["path"])
}

func TestFilesAreServedWhole(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	_, address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(content))
	}, map[string]string{"HTTP_WRITE_TIMEOUT": "5s"})
	res, body := ask(t, address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, []string{testRelease}, res.Header["X-Release"])
	assert.Equal(t, string(content), body)
}

func TestReadyAsksTheApplication(t *testing.T) {
	t.Parallel()
	s, address, _ := serve(t, http.NotFound, nil)
	s.Ready = func(context.Context) error { return io.ErrClosedPipe }
	res, body := ask(t, address, "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, 503, res.StatusCode)
	assert.Equal(t, io.ErrClosedPipe.Error(), body)
}

func BenchmarkServeHTTP(b *testing.B) {
	c, err := config.ReadWorker(func(string) string { return "" })
	require.NoError(b, err)
	s := New(Options{
		Config: c, Release: testRelease, Metrics: metrics.New("api", testRelease), Log: slog.New(slog.DiscardHandler),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }),
	})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		w.Body.Reset()
		s.ServeHTTP(w, r)
	}
}
