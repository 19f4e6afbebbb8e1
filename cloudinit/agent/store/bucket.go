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

// Bucket is a bucket that speaks S3's protocol: S3 itself, or Spaces, which
// differs in what a key may be granted and in nothing that is used here.
//
// A request has its whole content's SHA-256 in its signature and no checksum in
// a trailer, which S3 and Spaces both take. The AWS SDK's default since January
// 2025, a CRC in a trailer, is what other servers than S3 refuse or store.
type Bucket struct {
	// URL of the bucket, without a slash at its end: the bucket's name stands in
	// the host, or is the path.
	URL string
	// Client signs for S3 ("s3") in the bucket's region.
	Client *sigv4.Client
}

var _ Objects = Bucket{}

// Get is S3's GetObject.
func (b Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	resp, err := b.Client.Do(ctx, sigv4.Request{Method: http.MethodGet, URL: b.url(key)}) //nolint:bodyclose // bodyReader closes it
	if err != nil {
		return nil, bucketError(ctx, err)
	}
	return &bodyReader{ctx, resp.Body}, nil
}

// Put is S3's PutObject. An object called .json is application/json: Pulumi's
// providers read only an object whose content type is text.
func (b Bucket) Put(ctx context.Context, key string, content []byte) error {
	contentType := "application/octet-stream"
	if path.Ext(key) == ".json" {
		contentType = "application/json"
	}
	resp, err := b.Client.Do(ctx, sigv4.Request{
		Method: http.MethodPut, URL: b.url(key), Body: content,
		Header: http.Header{"Content-Type": {contentType}},
	})
	if err != nil {
		return bucketError(ctx, err)
	}
	defer resp.Body.Close()
	// The answer has no content. Reading to its end lets the connection be used
	// again.
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

// bodyReader says of a connection that breaks what the package's errors are for.
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

// bucketError puts an answer to one of the package's errors. An end of ctx is
// the caller's.
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
