package server

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"escala/service"
	"escala/service/config"
	"escala/service/metrics"
)

// strangers is a listener for connections from untrusted addresses. The
// connections are real sockets, because a connection in memory could differ from
// them, for example in that a cleared deadline still fires.
type strangers struct{ net.Listener }

func (l strangers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return stranger{c}, err
}

type stranger struct{ net.Conn }

func (stranger) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5} }

// fuzzed is a server for arbitrary bytes of untrusted clients.
type fuzzed struct {
	s        *Server
	l        strangers
	log      logBuffer
	believed atomic.Bool
	// lingering is the number of connections that may still be open.
	lingering int
}

func newFuzzed(f *testing.F) *fuzzed {
	c, err := config.ReadWorker(func(string) string { return "" })
	if err != nil {
		f.Fatal(err)
	}
	c.HTTP.MaxHeaderBytes, c.HTTP.MaxBodyBytes = 8<<10, 8<<10
	c.HTTP.ReadHeaderTimeout, c.HTTP.ReadTimeout, c.HTTP.WriteTimeout, c.HTTP.IdleTimeout = time.Second, time.Second, time.Second, time.Second
	l, err := net.Listen("unix", filepath.Join(f.TempDir(), "s"))
	if err != nil {
		f.Fatal(err)
	}
	w := &fuzzed{l: strangers{l}}
	w.s = New(Options{
		Config: c, Release: testRelease, Metrics: metrics.New("api", testRelease), Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Handler: http.HandlerFunc(func(w2 http.ResponseWriter, r *http.Request) {
			for _, name := range service.ClientClaims {
				if len(r.Header[name]) > 0 {
					w.believed.Store(true)
				}
			}
			_, _ = io.Copy(w2, r.Body)
		}),
	})
	w.s.State.Set(Ready)
	go func() { _ = w.s.http.Serve(tracked{Listener: w.l, conns: w.s.conns}) }()
	return w
}

// send sends bytes to the server. It returns the answer up to the end of the
// connection, or until the server is silent for a moment.
func (w *fuzzed) send(t *testing.T, in []byte) []byte {
	c, err := net.Dial("unix", w.l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = c.Write(in) // the server may close the connection before the end of the bytes
	var got []byte
	for b := make([]byte, 64<<10); len(got) < 4<<20; {
		_ = c.SetReadDeadline(time.Now().Add(4 * time.Millisecond))
		n, err := c.Read(b)
		got = append(got, b[:n]...)
		if err != nil {
			break
		}
	}
	_ = c.Close()
	// An HTTP/2 connection takes a second to close, so the connections of several
	// inputs may be open at a time.
	for end := time.Now().Add(10 * time.Second); w.s.conns.len() > w.lingering; time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("%q: the connection is not given up", in)
		}
	}
	if strings.Contains(w.log.String(), "panic") {
		t.Fatalf("%q: %s", in, w.log.String())
	}
	if w.believed.Load() {
		t.Fatalf("%q: a stranger spoke for another client", in)
	}
	return got
}

// FuzzRequest sends arbitrary bytes without Nginx. The server must never panic,
// answer anything but HTTP, send its headers twice or in a body, trust the
// client's headers, or keep the connection open.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /health HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\nHTTP/1.1 200 OK\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Real-Ip: 1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
		"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=1\r\nx-real-ip: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nTrailer: X-Forwarded-For\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Forwarded-For: 1\r\n\r\n",
		"GET http://other/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x00\x00", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 2000) + "\r\n",
	} {
		f.Add([]byte(seed))
	}
	w := newFuzzed(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		if bytes.HasPrefix(in, []byte("PRI * HTTP/2.0")) {
			return // FuzzFrames tests these
		}
		got := w.send(t, in)
		r := bufio.NewReader(bytes.NewReader(got))
		for {
			if _, err := r.Peek(1); err != nil {
				return
			}
			res, err := http.ReadResponse(r, nil) //nolint:bodyclose // it is read from memory
			if err != nil {
				if strings.Contains(err.Error(), "unexpected EOF") {
					return // this test has stopped reading the answer
				}
				t.Fatalf("%q is answered with %q: %v", in, got, err)
			}
			if n := len(res.Header["X-Release"]); n > 1 || (n == 1 && res.Header["X-Release"][0] != testRelease) {
				t.Fatalf("%q is answered with %q", in, got)
			}
			if res.StatusCode == http.StatusContinue {
				continue
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				return // this test has stopped reading the answer
			}
		}
	})
}

// frame returns an HTTP/2 frame.
func frame(kind, flags byte, stream uint32, payload string) string {
	b := make([]byte, 9, 9+len(payload))
	binary.BigEndian.PutUint32(b, uint32(len(payload))<<8)
	b[3], b[4] = kind, flags
	binary.BigEndian.PutUint32(b[5:], stream)
	return string(b) + payload
}

// FuzzFrames sends arbitrary bytes on an HTTP/2 connection after the preface.
// The server must never panic, send a body that no handler wrote, leak a
// stream, or keep the connection open.
func FuzzFrames(f *testing.F) {
	const (
		data, headers, reset, settings, ping, goAway, window, more = 0, 1, 3, 4, 6, 7, 8, 9
		endStream, endHeaders                                      = 1, 4
	)
	post := "\x83\x87\x84\x41\x01x" // :method POST, :scheme https, :path /, :authority x
	start := frame(settings, 0, 0, "")
	for _, seed := range []string{
		start,
		start + frame(headers, endHeaders|endStream, 1, "\x82\x87\x84\x41\x01x"),
		start + frame(headers, endHeaders, 1, post) + frame(data, endStream, 1, "HTTP/1.1 200 OK\r\nstill the body"),
		start + frame(headers, endHeaders, 1, post) + frame(headers, endHeaders|endStream, 3, post) + frame(data, 0, 1, "stalls"),
		start + frame(headers, 0, 1, post) + frame(more, endHeaders, 1, ""),
		start + frame(headers, endHeaders, 1, post) + frame(reset, 0, 1, "\x00\x00\x00\x08"),
		start + frame(ping, 0, 0, "12345678") + frame(window, 0, 0, "\x00\x00\x00\x01") + frame(goAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x00"),
		start + frame(settings, 0, 0, "\x00\x04\x00\x00\x00\x00") + frame(headers, endHeaders|endStream, 1, post),
	} {
		f.Add([]byte(seed))
	}
	w := newFuzzed(f)
	w.lingering = 200
	f.Fuzz(func(t *testing.T, in []byte) {
		got := w.send(t, append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), in...))
		for len(got) >= 9 {
			n := int(got[0])<<16 | int(got[1])<<8 | int(got[2])
			if got[3] == data && 9+n <= len(got) {
				if bytes.Contains(got[9:9+n], []byte("X-Release")) && !bytes.Contains(in, []byte("X-Release")) {
					t.Fatalf("%q: a body has %q", in, got[9:9+n])
				}
			}
			got = got[min(9+n, len(got)):]
		}
	})
}
