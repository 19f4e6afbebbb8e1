package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is a steady stream of requests. A third of them are POST, because no
// proxy repeats those.
type load struct {
	url    string
	cancel context.CancelFunc
	done   sync.WaitGroup
	sent   atomic.Int64

	mu       sync.Mutex
	failures []string
	releases map[string]int
	workers  map[string]int
}

// startLoad sends requests from n clients until stop is called. Each client has a
// different pause, so that connections are idle, busy and new when a worker ends.
func startLoad(t *testing.T, url string, n int, keepAlive bool) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{url: url, cancel: cancel, releases: map[string]int{}, workers: map[string]int{}}
	for range n {
		// Each client has its own transport, so that clients do not share
		// connections.
		client := &http.Client{Timeout: maxWait, Transport: &http.Transport{
			DisableKeepAlives: !keepAlive,
			DialContext:       (&net.Dialer{Timeout: maxWait}).DialContext,
		}}
		l.done.Go(func() {
			defer client.CloseIdleConnections()
			for i := 0; ctx.Err() == nil; i++ {
				l.one(client, i)
				time.Sleep(rand.N(4 * time.Millisecond))
			}
		})
	}
	t.Cleanup(func() { cancel(); l.done.Wait() })
	return l
}

func (l *load) one(client *http.Client, i int) {
	method, path, want := http.MethodGet, "/", "hello from escala\n"
	var body io.Reader
	switch i % 10 {
	case 0, 3, 6:
		method, path, want = http.MethodPost, "/echo", strings.Repeat("x", 1000)
		// net/http cannot rewind this reader, so it cannot repeat the request.
		body = io.MultiReader(bytes.NewReader([]byte(want)))
	case 5:
		path, want = "/slow?ms=20", "waited 20ms\n"
	}
	req, err := http.NewRequest(method, l.url+path, body)
	if err != nil {
		l.fail(err.Error())
		return
	}
	if body != nil {
		req.ContentLength = int64(len(want))
	}
	l.sent.Add(1)
	res, err := client.Do(req)
	if err != nil {
		l.fail(fmt.Sprintf("%s %s: %v", method, path, err))
		return
	}
	b, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || string(b) != want {
		l.fail(fmt.Sprintf("%s %s: status %d, body %.40q, error %v", method, path, res.StatusCode, b, err))
		return
	}
	l.mu.Lock()
	l.releases[res.Header.Get("X-Release")]++
	l.workers[res.Header.Get("X-Worker")]++
	l.mu.Unlock()
}

// awaitAnswers waits until n more requests have the right answer, or one has
// failed.
func (l *load) awaitAnswers(t *testing.T, n int) {
	t.Helper()
	answers := func() (all int, failed bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, n := range l.releases {
			all += n
		}
		return all, len(l.failures) > 0
	}
	before, _ := answers()
	await(t, func() bool {
		now, failed := answers()
		return failed || now >= before+n
	}, "the load is not answered")
}

func (l *load) fail(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, time.Now().Format("15:04:05.000 ")+s)
}

// stop ends the load and returns the failures.
func (l *load) stop() (sent int64, failures []string) {
	l.cancel()
	l.done.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent.Load(), l.failures
}
