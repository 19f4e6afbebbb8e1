package loadgen_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// faulty is a server that fails exactly as a test wants. It counts the requests
// that it received, for comparison with the generator's counters.
type faulty struct {
	url string
	// dial opens a connection. nil means TCP.
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	requests atomic.Int64
	conns    atomic.Int64
}

// visit is one request on one connection.
type visit struct {
	conn    net.Conn
	onConn  int   // counts the requests on this connection from 1
	inAll   int64 // counts all requests from 1
	request *http.Request
	body    []byte
}

// newFaulty serves until the test ends. answer reports whether to keep the
// connection; otherwise it is closed.
func newFaulty(t *testing.T, answer func(visit) bool) *faulty {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{url: "http://" + listener.Addr().String()}
	f.listen(t, listener, answer)
	return f
}

// inMemory is newFaulty in a bubble of testing/synctest. Its clock stands still
// while anything computes, so that times are exact even on a busy computer.
func inMemory(t *testing.T, answer func(visit) bool) *faulty {
	t.Helper()
	listener := listenInMemory()
	f := &faulty{url: "http://127.0.0.1:1", dial: listener.dial}
	f.listen(t, listener, answer)
	return f
}

func (f *faulty) listen(t *testing.T, listener net.Listener, answer func(visit) bool) {
	t.Helper()
	var open sync.Map
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f.conns.Add(1)
			open.Store(conn, nil)
			serving.Go(func() {
				defer open.Delete(conn)
				f.serve(conn, answer)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Range(func(conn, _ any) bool {
			_ = conn.(net.Conn).Close()
			return true
		})
		serving.Wait()
	})
}

func (f *faulty) serve(conn net.Conn, answer func(visit) bool) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	for n := 1; ; n++ {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		v := visit{conn: conn, onConn: n, inAll: f.requests.Add(1), request: request, body: body}
		if !answer(v) {
			return
		}
	}
}

// ok answers 200 with the body of the request, or with "ok".
func (v visit) ok() bool {
	body := v.body
	if len(body) == 0 {
		body = []byte("ok")
	}
	return v.answer("HTTP/1.1 200 OK\r\nX-Release: r1\r\nX-Worker: w%d\r\nContent-Length: %d\r\n\r\n%s", v.inAll%2, len(body), body)
}

// answer writes an answer. It keeps the connection if the request allows it.
func (v visit) answer(format string, args ...any) bool {
	_, err := fmt.Fprintf(v.conn, format, args...)
	return err == nil && !v.request.Close
}

// reset cuts the connection with RST.
func (v visit) reset() bool {
	_ = v.conn.(*net.TCPConn).SetLinger(0) // a failure shows in the test's counters
	return false
}
