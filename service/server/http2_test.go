package server

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
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

// TestStalledUploadOverHTTP2CutsNobodyElse checks that a drain ends only a
// stalled upload, and not another client's request on the same connection. A
// proxy sends both over one connection.
func TestStalledUploadOverHTTP2CutsNobodyElse(t *testing.T) {
	t.Parallel()
	c, err := config.ReadWorker(func(string) string { return "" })
	require.NoError(t, err)
	c.Lifecycle.Linger = 300 * time.Millisecond
	uploading, working, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
	failed := make(chan error, 1)
	s := New(Options{
		Config: c, Release: testRelease, Metrics: metrics.New("api", testRelease), Log: slog.New(slog.DiscardHandler),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				close(uploading)
				_, err := io.Copy(io.Discard, r.Body)
				failed <- err
				w.WriteHeader(http.StatusRequestTimeout)
				return
			}
			close(working)
			<-finish
			_, _ = io.WriteString(w, "whole")
		}),
	})
	l, err := listen.Open(t.Context(), listen.Address{Network: listen.TCP, Host: "127.0.0.1"})
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		assert.NoError(t, s.Serve(l))
	}()
	s.State.Set(Ready)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: &http.Transport{Protocols: protocols}}
	url := "http://" + l.Addr().String()

	body, send := io.Pipe()
	defer send.Close()
	upload := make(chan int, 1)
	go func() {
		res, err := client.Post(url, "text/plain", body)
		if !assert.NoError(t, err) {
			upload <- 0
			return
		}
		_ = res.Body.Close()
		upload <- res.StatusCode
	}()
	_, err = io.WriteString(send, "a part")
	require.NoError(t, err)
	<-uploading
	got := make(chan string, 1)
	go func() {
		res, err := client.Get(url)
		if !assert.NoError(t, err, "somebody else's request") {
			got <- ""
			return
		}
		_, text, err := replied(res)
		assert.NoError(t, err)
		got <- text
	}()
	<-working
	require.Equal(t, 1, s.Connections(), "both are on one connection")

	drained := make(chan error, 1)
	go func() { drained <- s.Drain(t.Context(), l, served) }()
	require.Error(t, <-failed, "the silent upload is given up")
	assert.Equal(t, http.StatusRequestTimeout, <-upload, "and answered")
	close(finish)
	assert.Equal(t, "whole", <-got)
	require.NoError(t, <-drained)
}

// TestADrainThatCutsAnHTTP2RequestSaysSo checks that the error names every
// stream.
func TestADrainThatCutsAnHTTP2RequestSaysSo(t *testing.T) {
	t.Parallel()
	working := make(chan struct{}, 2)
	release := make(chan struct{})
	s, address, _ := serve(t, func(http.ResponseWriter, *http.Request) {
		working <- struct{}{}
		<-release
	}, nil)
	t.Cleanup(func() { close(release) }) // before the server drains
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: &http.Transport{Protocols: protocols}}
	for _, path := range []string{"/one", "/two"} {
		go func() {
			res, err := client.Get("http://" + address + path)
			if err == nil {
				_ = res.Body.Close()
			}
		}()
	}
	<-working
	<-working
	text := s.stillOpen().Error()
	assert.Contains(t, text, "GET /one")
	assert.Contains(t, text, "GET /two")
}

// TestAnswersOverOneHTTP2ConnectionKeepTheirBytes checks that several clients' answers
// arrive as they were written. A proxy sends their requests over one connection, and
// each answer consists of what begins an answer of HTTP/1: a write to the connection
// begins at each of its bytes.
func TestAnswersOverOneHTTP2ConnectionKeepTheirBytes(t *testing.T) {
	t.Parallel()
	const line = "HTTP/1.1 200 OK\r\n"
	answer := func(shift int) string { return strings.Repeat("-", shift) + strings.Repeat(line, 1024) }
	_, address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, answer(len(r.URL.Path)))
	}, nil)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: &http.Transport{Protocols: protocols}}
	var clients sync.WaitGroup
	for shift := range 4 * len(line) {
		clients.Go(func() {
			for range 8 {
				path := "/" + strings.Repeat("x", shift)
				res, err := client.Get("http://" + address + path)
				if err != nil {
					t.Error(err)
					return
				}
				assert.Equal(t, []string{testRelease}, res.Header["X-Release"])
				_, text, err := replied(res)
				if err != nil || text != answer(len(path)) {
					t.Errorf("the answer to %s is another one: %v", path, err)
				}
			}
		})
	}
	clients.Wait()
}

// slowly is a body that arrives in parts with pauses.
type slowly struct {
	parts int
	pause time.Duration
}

func (s *slowly) Read(p []byte) (int, error) {
	if s.parts == 0 {
		return 0, io.EOF
	}
	s.parts--
	time.Sleep(s.pause)
	return copy(p, "part"), nil
}

// TestBodiesAndAnswersMayTakeLongAsLongAsTheyMove checks a body and an answer
// that each last several times as long as the timeouts.
func TestBodiesAndAnswersMayTakeLongAsLongAsTheyMove(t *testing.T) {
	t.Parallel()
	const limit, pause, parts = 600 * time.Millisecond, 100 * time.Millisecond, 20
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			b, err := io.ReadAll(r.Body)
			if !assert.NoError(t, err) {
				w.WriteHeader(http.StatusRequestTimeout)
				return
			}
			_, _ = w.Write(b)
			return
		}
		for range parts { // server-sent events
			_, _ = io.WriteString(w, "part")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(pause)
		}
	}
	for _, http2 := range []bool{false, true} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", method, http2), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newServer(t, handler, slog.DiscardHandler, map[string]string{
						"HTTP_READ_TIMEOUT": limit.String(), "HTTP_WRITE_TIMEOUT": limit.String(),
					})
					s.State.Set(Ready)
					l := pipes{make(chan net.Conn), make(chan struct{})}
					go func() { _ = s.http.Serve(tracked{Listener: l, conns: s.conns}) }()
					defer func() { assert.NoError(t, s.http.Close()) }()
					protocols := new(http.Protocols)
					protocols.SetHTTP1(!http2)
					protocols.SetUnencryptedHTTP2(http2)
					transport := &http.Transport{Protocols: protocols, DialContext: l.dial}
					defer transport.CloseIdleConnections()
					var body io.Reader
					if method == http.MethodPost {
						body = &slowly{parts, pause}
					}
					req, err := http.NewRequestWithContext(t.Context(), method, "http://server", body)
					require.NoError(t, err)
					began := time.Now()
					res, err := transport.RoundTrip(req)
					require.NoError(t, err)
					_, text, err := replied(res)
					require.NoError(t, err)
					assert.Equal(t, strings.Repeat("part", parts), text)
					assert.Equal(t, parts*pause, time.Since(began))
				})
			})
		}
	}
}
