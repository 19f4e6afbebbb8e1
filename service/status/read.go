package status

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// answerLimit limits the size of an answer in bytes, because any program may
// have created the socket.
const answerLimit = 1 << 20

// Read requests /status from the admin or status socket at path and decodes it
// into v, a Worker or a Report.
func Read(ctx context.Context, path string, v any) error {
	b, code, err := get(ctx, path, "/status")
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return fmt.Errorf("asking %s for its status: it answered %d", path, code)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("asking %s for its status: %w", path, err)
	}
	return nil
}

// Probe requests a health or readiness endpoint from the socket at path. It
// returns nil if the answer is 200.
func Probe(ctx context.Context, path, endpoint string) error {
	b, code, err := get(ctx, path, endpoint)
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return fmt.Errorf("%s answered %d: %.200s", endpoint, code, b)
	}
	return nil
}

func get(ctx context.Context, path, endpoint string) ([]byte, int, error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			d := net.Dialer{Timeout: time.Second}
			return d.DialContext(ctx, "unix", path)
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://worker"+endpoint, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("asking %s: %w", path, err)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("asking %s: %w", path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return nil, 0, fmt.Errorf("asking %s: %w", path, err)
	}
	return b, res.StatusCode, nil
}
