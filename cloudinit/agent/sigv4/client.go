// Package sigv4 calls services that authenticate with AWS Signature Version 4:
// S3, Spaces and Systems Manager. It signs requests, retries temporary
// failures, and returns a service's errors. It knows no service's operations.
//
// The signature comes from aws-sdk-go-v2's own signer, without the SDK's
// clients. The sizes are measured for a static, stripped program for
// linux/amd64 that reads and writes an object. net/http and TLS alone take 6.3
// MB. The signer adds no measurable size and two modules (aws-sdk-go-v2,
// smithy-go). minio-go takes 7.9 MB with 19 modules, and cannot call Systems
// Manager. The SDK's clients for S3 and Systems Manager take 9.9 MB with 14
// modules. The machine makes only three kinds of calls.
package sigv4

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Credentials sign requests.
type Credentials interface {
	// Retrieve returns valid credentials, from memory if possible.
	Retrieve(ctx context.Context) (aws.Credentials, error)
	// Invalidate makes the next Retrieve fetch new credentials. It is for a
	// service that refused the last ones as expired.
	Invalidate()
}

// Key is an access key that does not expire.
type Key struct{ Access, Secret string }

var _ Credentials = Key{}

// Retrieve returns the key.
func (k Key) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: k.Access, SecretAccessKey: k.Secret}, nil
}

// Invalidate does nothing, because there is no other key.
func (Key) Invalidate() {}

// String returns the key without its secret, so that no log contains the
// secret.
func (k Key) String() string { return "key " + k.Access }

// GoString returns String, so that %#v shows no secret.
func (k Key) GoString() string { return k.String() }

// Client calls one service. Its fields must not change after the first use.
type Client struct {
	// Service is the service's name in the signature: "s3", "ssm".
	Service string
	// Region is the region's name in the signature.
	Region      string
	Credentials Credentials
	// Transport sends the requests. Default: a transport of NewTransport.
	Transport http.RoundTripper

	// skew is the difference between the service's clock and this one, in
	// nanoseconds; positive if the service's clock is ahead.
	skew atomic.Int64
}

// Request is one request. Every request must be safe to send twice.
type Request struct {
	Method, URL string
	Header      http.Header
	Body        []byte
}

const (
	// tries is the largest number of times that a request is sent.
	tries = 4
	// pause is the longest pause before the second try. It doubles with each
	// try.
	pause = 200 * time.Millisecond
	// longestPause limits the pause that a service can demand with Retry-After.
	longestPause = 5 * time.Second
	// skewLimit is the difference between the clocks above which an
	// authentication error counts as a wrong clock. The services accept 5 to 15
	// minutes; aws-sdk-go-v2 uses four (aws/retry, skewThreshold).
	skewLimit = 4 * time.Minute
	// maxError is the largest part of an error answer that is read, in bytes.
	maxError = 64 << 10
)

var defaultTransport = NewTransport()

// NewTransport returns a transport with limits on everything but the length of
// an answer. It does not decompress answers, so that a download has exactly the
// bytes that the service sends.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  10 * time.Second,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConnsPerHost:    2,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
}

// Do sends the request and returns an answer with status 2xx. The caller closes
// its body. Any other answer is an *Error. Do follows no redirects, because
// they would send the session's token to an unverified host.
func (c *Client) Do(ctx context.Context, r Request) (*http.Response, error) {
	var corrected, renewed bool
	for try := 1; ; try++ {
		resp, err := c.send(ctx, r)
		if err == nil {
			return resp, nil
		}
		var refused *Error
		errors.As(err, &refused)
		switch {
		case ctx.Err() != nil || try == tries:
			return nil, err
		case refused != nil && !corrected && c.correctClock(refused):
			corrected = true
			continue
		case refused != nil && !renewed && refused.Expired():
			renewed = true
			c.Credentials.Invalidate()
			continue
		case !temporary(err):
			return nil, err
		}
		if err := wait(ctx, pauseBefore(try, refused)); err != nil {
			return nil, err
		}
	}
}

func (c *Client) send(ctx context.Context, r Request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	if err := mayCarry(req); err != nil {
		return nil, err
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("no credentials to sign with: %w", err)
	}
	sum := sha256.Sum256(r.Body)
	hash := hex.EncodeToString(sum[:])
	if c.Service == "s3" {
		// S3 requires the hash in a header and checks the content against it.
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	signed := time.Now().Add(time.Duration(c.skew.Load()))
	err = v4.NewSigner().SignHTTP(ctx, credentials, req, hash, c.Service, c.Region, signed, func(o *v4.SignerOptions) {
		// Only S3 does not escape a path twice.
		o.DisableURIPathEscaping = c.Service == "s3"
	})
	if err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	transport := c.Transport
	if transport == nil {
		transport = defaultTransport
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, &sendError{err}
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	// An unreadable error body is ignored. The status is known in any case.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxError))
	refused := parseError(resp, body)
	refused.signed = signed
	return nil, refused
}

// mayCarry refuses an unencrypted connection over the internet, because it
// would reveal the session's token.
func mayCarry(req *http.Request) error {
	ip := net.ParseIP(req.URL.Hostname())
	if req.URL.Scheme == "https" || req.URL.Scheme == "http" && ip != nil && (ip.IsLoopback() || ip.IsPrivate()) {
		return nil
	}
	return fmt.Errorf("%s://%s is not an endpoint for signed requests: want https", req.URL.Scheme, req.URL.Host)
}

// correctClock reports whether the service refused a request for its time. If
// so, it adopts the service's clock.
func (c *Client) correctClock(e *Error) bool {
	if !e.mayBeSkew() || e.date.IsZero() {
		return false
	}
	if off := e.date.Sub(e.signed); off.Abs() < skewLimit {
		return false
	}
	c.skew.Store(int64(time.Until(e.date)))
	return true
}

// sendError is the error of a request without an answer.
type sendError struct{ error }

func (e *sendError) Unwrap() error { return e.error }

// temporary reports whether the same request may succeed soon.
func temporary(err error) bool {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Temporary()
	}
	var unsent *sendError
	return errors.As(err, &unsent)
}

// pauseBefore returns a random pause, so that machines that were refused
// together do not come back together.
func pauseBefore(try int, e *Error) time.Duration {
	d := time.Duration(rand.Int64N(int64(pause << (try - 1))))
	if e != nil && e.retryAfter > d {
		d = e.retryAfter
	}
	return min(d, longestPause)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// retryAfter returns the pause in the header, which is in seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if s, err := strconv.Atoi(value); err == nil && s >= 0 && s < 3600 {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
