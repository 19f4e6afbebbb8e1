package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/config"
	"escala/service/listen"
	"escala/service/metrics"
)

// TestHTTP2RequestFinishesInADrain checks that a request in flight on an HTTP/2
// connection is answered. Such a connection carries several requests and ends
// with GOAWAY.
func TestHTTP2RequestFinishesInADrain(t *testing.T) {
	t.Parallel()
	c, err := config.ReadWorker(func(string) string { return "" })
	require.NoError(t, err)
	c.Lifecycle.Linger, c.Lifecycle.Drain = 300*time.Millisecond, 2*maxWait
	begun := make(chan struct{})
	s := New(Options{
		Config: c, Release: testRelease, Metrics: metrics.New("api", testRelease), Log: slog.New(slog.DiscardHandler),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			time.Sleep(700 * time.Millisecond) // longer than linger
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
	got := make(chan string, 1)
	go func() {
		res, err := client.Get("http://" + l.Addr().String())
		if !assert.NoError(t, err) {
			got <- ""
			return
		}
		_, body, err := replied(res)
		assert.NoError(t, err)
		got <- body
	}()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), maxWait)
	defer cancel()
	require.NoError(t, s.Drain(ctx, l, served), "it ends by itself")
	assert.Equal(t, "whole", <-got)
	assert.Zero(t, s.Connections())
}
