package acme

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxAnswer is larger than any answer of an authority, in bytes. The library reads a
// whole answer into memory.
const maxAnswer = 1 << 20

// transport limits the size of the answers. It records for how long a refusing
// authority wants no requests, which the library does not pass on.
type transport struct {
	http *http.Transport

	mu    sync.Mutex
	after time.Duration
}

func newTransport(roots string) (*transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	// An idle agent keeps no connection, and no buffers for one.
	t.IdleConnTimeout = 5 * time.Second
	t.MaxIdleConns = 1
	t.ResponseHeaderTimeout = 30 * time.Second
	t.MaxResponseHeaderBytes = 64 << 10
	if roots != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(roots)) {
			return nil, errors.New("there is no certificate in the authority's roots (service.tls.authorityCA)")
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &transport{http: t}, nil
}

// RoundTrip sends a request.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.http.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &bounded{resp.Body, maxAnswer}
	if resp.StatusCode >= http.StatusBadRequest {
		t.mu.Lock()
		t.after = retryAfter(resp.Header.Get("Retry-After"), time.Now())
		t.mu.Unlock()
	}
	return resp, nil
}

// forget removes the recorded time, for a new order.
func (t *transport) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.after = 0
}

// wait returns the time for which the authority wants no requests.
func (t *transport) wait() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.after
}

// maxWait is the upper limit of that time.
const maxWait = 24 * time.Hour

// retryAfter reads the header Retry-After: seconds or a date.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(header); err == nil {
		wait = time.Duration(min(seconds, int(maxWait/time.Second))) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return max(0, min(wait, maxWait))
}

// bounded is a body of at most left bytes.
type bounded struct {
	io.ReadCloser
	left int64
}

var errTooLong = errors.New("the authority's answer is too long")

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
