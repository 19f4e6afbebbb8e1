package server

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"escala/service/config"
	"escala/service/listen"
	"escala/service/metrics"
)

// BenchmarkKeepAlive sends one request after the other on an open connection,
// which is the usual load of a worker behind Nginx. cpu-ns/op is the processor
// time of client and server together. Other work on the computer affects it
// less than ns/op.
func BenchmarkKeepAlive(b *testing.B) {
	c, err := config.ReadWorker(func(string) string { return "" })
	require.NoError(b, err)
	s := New(Options{
		Config: c, Release: testRelease, Metrics: metrics.New("api", testRelease), Log: slog.New(slog.DiscardHandler),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "hello")
		}),
	})
	l, err := listen.Open(b.Context(), listen.Address{Network: listen.TCP, Host: "127.0.0.1"})
	require.NoError(b, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(l)
	}()
	s.State.Set(Ready)
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(b, err)
	r := bufio.NewReader(nc)
	request := []byte("GET / HTTP/1.1\r\nHost: example.org\r\nX-Real-IP: 203.0.113.7\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http\r\n\r\n")
	before := processorTime(b)
	b.ReportAllocs()
	for b.Loop() {
		_, err := nc.Write(request)
		require.NoError(b, err)
		for {
			line, err := r.ReadSlice('\n')
			require.NoError(b, err)
			if len(line) == 2 {
				break
			}
		}
		_, err = r.Discard(len("hello"))
		require.NoError(b, err)
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
	require.NoError(b, nc.Close())
	hard, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	require.NoError(b, s.Drain(hard, l, served))
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
