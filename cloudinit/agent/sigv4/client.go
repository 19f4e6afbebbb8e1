// Package sigv4 calls services that authenticate by AWS' Signature Version 4: S3,
// Spaces and Systems Manager. It signs, tries again what may succeed, and says
// what a service answers; it knows no service's operations.
//
// The signature is aws-sdk-go-v2's own signer, without the SDK's clients. Measured
// for a static, stripped program for linux/amd64 that reads and writes an object:
// net/http and TLS alone are 6.3 MB; the signer adds nothing that can be seen, and
// two modules (aws-sdk-go-v2, smithy-go); minio-go makes it 7.9 MB with 19 modules,
// and cannot ask Systems Manager; the SDK's clients for S3 and Systems Manager make
// it 9.9 MB with 14 modules. The machine makes three kinds of calls.
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

// Credentials are what requests are signed with.
type Credentials interface {
	// Retrieve returns what is valid now, from memory where it can.
	Retrieve(ctx context.Context) (aws.Credentials, error)
	// Invalidate makes the next Retrieve ask again: a service has refused what the
	// last one returned as expired.
	Invalidate()
}

// Key is a key that stays valid.
type Key struct{ Access, Secret string }

var _ Credentials = Key{}

// Retrieve returns the key.
func (k Key) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: k.Access, SecretAccessKey: k.Secret}, nil
}

// Invalidate does nothing: there is no other key.
func (Key) Invalidate() {}

// String is the key without its secret, so that no log has it.
func (k Key) String() string { return "key " + k.Access }

// GoString is String.
func (k Key) GoString() string { return k.String() }

// Client calls one service. Its fields do not change once it is used.
type Client struct {
	// Service is the service's name in the signature: "s3", "ssm".
	Service string
	// Region is the region's name in the signature.
	Region      string
	Credentials Credentials
	// Transport sends the requests. Default: one of NewTransport's.
	Transport http.RoundTripper

	// skew is how far the service's clock is ahead of this one, in nanoseconds.
	skew atomic.Int64
}

// Request is one request. All of them are safe to send twice.
type Request struct {
	Method, URL string
	Header      http.Header
	Body        []byte
}

const (
	// tries is how often a request is sent at most.
	tries = 4
	// pause is the longest pause before the second try; it doubles with each.
	pause = 200 * time.Millisecond
	// longestPause bounds what a service can ask for with Retry-After.
	longestPause = 5 * time.Second
	// skewLimit is how far the clocks may be apart before an error of
	// authentication is taken for one of time. The services take 5 to 15 minutes;
	// aws-sdk-go-v2 takes four for the limit (aws/retry, skewThreshold).
	skewLimit = 4 * time.Minute
	// maxError is the size of the longest answer that is read for its error.
	maxError = 64 << 10
)

var defaultTransport = NewTransport()

// NewTransport returns a transport with limits on everything but the length of an
// answer. What it downloads is what the service sends: it undoes no compression.
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

// Do sends the request and returns an answer with status 2xx, whose body the
// caller closes. Any other answer is an *Error. Redirects are not followed: they
// would take the session's token to a host that nothing vouches for.
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
		// S3 wants it in a header, and checks what it gets by it.
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	signed := time.Now().Add(time.Duration(c.skew.Load()))
	err = v4.NewSigner().SignHTTP(ctx, credentials, req, hash, c.Service, c.Region, signed, func(o *v4.SignerOptions) {
		// S3 alone does not escape a path twice.
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
	// What cannot be read is not said; the status is there in any case.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxError))
	refused := parseError(resp, body)
	refused.signed = signed
	return nil, refused
}

// mayCarry refuses a plain connection over the internet: it would show the
// session's token to anyone on the way.
func mayCarry(req *http.Request) error {
	ip := net.ParseIP(req.URL.Hostname())
	if req.URL.Scheme == "https" || req.URL.Scheme == "http" && ip != nil && (ip.IsLoopback() || ip.IsPrivate()) {
		return nil
	}
	return fmt.Errorf("%s://%s is no endpoint for signed requests: want https", req.URL.Scheme, req.URL.Host)
}

// correctClock reports whether the service refused a request for its time, and
// takes over the service's clock where it did.
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

// sendError is a request that got no answer.
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

// pauseBefore is random, so that machines which were refused together do not come
// back together.
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

// retryAfter is what the header asks for, in seconds or as a date.
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
