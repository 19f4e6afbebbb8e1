package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"escala/cloudinit/agent/sigv4"
)

// Bucket is a bucket with S3's protocol: S3 itself, or Spaces. Spaces differs
// in the permissions that a key can have, but in nothing that this package
// uses.
//
// The signature of a request contains the SHA-256 of its whole content. There
// is no checksum in a trailer. S3 and Spaces both accept that. Since January
// 2025 the AWS SDK sends a CRC in a trailer by default, which servers other
// than S3 refuse or store.
type Bucket struct {
	// URL is the bucket's URL, without a trailing slash. The bucket's name is
	// in the host or is the path.
	URL string
	// Client signs requests for S3 ("s3") in the bucket's region.
	Client *sigv4.Client
}

var _ Objects = Bucket{}

// Get calls S3's GetObject.
func (b Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	resp, err := b.Client.Do(ctx, sigv4.Request{Method: http.MethodGet, URL: b.url(key)}) //nolint:bodyclose // bodyReader closes it
	if err != nil {
		return nil, bucketError(ctx, err)
	}
	return &bodyReader{ctx, resp.Body}, nil
}

// Put calls S3's PutObject. An object with the suffix .json gets the type
// application/json: Pulumi's providers read an object only if its content type
// is text.
func (b Bucket) Put(ctx context.Context, key string, content []byte) error {
	return b.put(ctx, key, content, http.Header{})
}

// Create calls PutObject with If-None-Match ("How to prevent object overwrites
// with conditional writes"). S3 answers 412 for an object that exists, and 409
// while another request creates it.
func (b Bucket) Create(ctx context.Context, key string, content []byte) error {
	err := b.put(ctx, key, content, http.Header{"If-None-Match": {"*"}})
	var refused *sigv4.Error
	if errors.As(err, &refused) && (refused.Status == http.StatusPreconditionFailed || refused.Status == http.StatusConflict) {
		return fmt.Errorf("%w: %w", ErrExists, err)
	}
	return err
}

func (b Bucket) put(ctx context.Context, key string, content []byte, header http.Header) error {
	contentType := "application/octet-stream"
	if path.Ext(key) == ".json" {
		contentType = "application/json"
	}
	header.Set("Content-Type", contentType)
	resp, err := b.Client.Do(ctx, sigv4.Request{Method: http.MethodPut, URL: b.url(key), Body: content, Header: header})
	if err != nil {
		return bucketError(ctx, err)
	}
	defer resp.Body.Close()
	// The answer has no content. The connection can be reused only if the body
	// is read to its end.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return nil
}

func (b Bucket) url(key string) string {
	parts := strings.Split(key, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return b.URL + "/" + strings.Join(parts, "/")
}

// bodyReader converts the errors of a broken connection to this package's
// errors.
type bodyReader struct {
	ctx context.Context
	io.ReadCloser
}

func (r *bodyReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = bucketError(r.ctx, fmt.Errorf("the answer breaks off: %w", err))
	}
	return n, err
}

// bucketError converts an error to one of this package's errors. It returns the
// end of the caller's ctx unchanged.
func bucketError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	var refused *sigv4.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	switch {
	case refused.Status == http.StatusNotFound:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case refused.Temporary() || refused.Status/100 == 3:
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case refused.Status/100 == 4:
		return fmt.Errorf("%w: %w", ErrDenied, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
}
