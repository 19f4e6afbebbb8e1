// Package instance reads the credentials of the machine's role from EC2's
// metadata service. Only root can reach the service; a packet filter rule blocks
// every other account. The machine's id comes from cloud-init.
package instance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Errors of a metadata service.
var (
	// ErrAbsent means that the service does not have the item.
	ErrAbsent = errors.New("the metadata service does not have it")
	// ErrUnreachable means that the service does not answer. A later call may
	// succeed: at boot, the service may start after the machine.
	ErrUnreachable = errors.New("the metadata service does not answer")
)

const (
	// DefaultURL is the address of the service.
	DefaultURL = "http://169.254.169.254"
	// timeout is the time limit of one request.
	timeout = 3 * time.Second
	// tries is the number of tries before a read fails.
	tries = 3
	// pause is the time between two tries.
	pause = 200 * time.Millisecond
	// maxItem is more than the size of the largest item that is read, which is
	// a role's credentials.
	maxItem = 64 << 10
)

// transport uses no proxy, because the address is link-local.
func transport() *http.Transport {
	return &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: maxItem}
}

// service is the HTTP client of a metadata service.
type service struct {
	url    string
	client *http.Client
}

func newService(url string) service {
	if url == "" {
		url = DefaultURL
	}
	return service{url: url, client: &http.Client{
		Timeout:   timeout,
		Transport: transport(),
		// Items are never redirected. A redirect would pass the token on.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// statusError is the status of an answer that is not 200.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("it answers %d %s", int(e), http.StatusText(int(e)))
}

// ask sends one request and retries while the service may be busy. EC2's
// service limits the request rate of an instance and answers 503 above the
// limit.
func (s service) ask(ctx context.Context, method, path string, header http.Header) (string, error) {
	for try := 1; ; try++ {
		item, err := s.askOnce(ctx, method, path, header)
		var status statusError
		busy := err != nil && (!errors.As(err, &status) || status >= 500 || status == http.StatusTooManyRequests)
		if !busy || try == tries || ctx.Err() != nil {
			return item, explain(path, err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return "", explain(path, ctx.Err())
		case <-timer.C:
		}
	}
}

func (s service) askOnce(ctx context.Context, method, path string, header http.Header) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, nil)
	if err != nil {
		return "", err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", statusError(resp.StatusCode)
	}
	item, err := io.ReadAll(io.LimitReader(resp.Body, maxItem+1))
	if err != nil {
		return "", err
	}
	if len(item) > maxItem {
		return "", fmt.Errorf("the answer has more than %d bytes", maxItem)
	}
	return strings.TrimSpace(string(item)), nil
}

func explain(path string, err error) error {
	if err == nil {
		return nil
	}
	var status statusError
	if errors.As(err, &status) && status == http.StatusNotFound {
		return fmt.Errorf("%s: %w", path, ErrAbsent)
	}
	return fmt.Errorf("%s: %w: %w", path, ErrUnreachable, err)
}
