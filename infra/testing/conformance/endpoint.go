package conformance

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// authority returns the host that clients name.
func (e Endpoint) authority() string {
	if e.Host != "" {
		return e.Host
	}
	return strings.TrimPrefix(e.URL, "http://")
}

// address returns the host and port that clients connect to.
func (e Endpoint) address() string {
	address := strings.TrimPrefix(e.URL, "http://")
	if _, _, err := net.SplitHostPort(address); err != nil {
		return net.JoinHostPort(address, "80")
	}
	return address
}

// client returns a new HTTP client, separate from those of the load.
func (Endpoint) client() *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 4}}
}

// do sends one request.
func (e Endpoint) do(ctx context.Context, client *http.Client, method, path string, body io.Reader, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, e.URL+path, body)
	if err != nil {
		return nil, err
	}
	req.Host = e.authority()
	for name, values := range header {
		req.Header[name] = values
	}
	return client.Do(req)
}

// join opens a WebSocket in a room, on a connection of its own.
func (e Endpoint) join(ctx context.Context, room string) (*websocket.Conn, error) {
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	conn, _, err := websocket.Dial(ctx, e.URL+"/ws?room="+room, &websocket.DialOptions{HTTPClient: client, Host: e.authority()}) //nolint:bodyclose // the library closes it
	if err != nil {
		return nil, fmt.Errorf("joining room %s: %w", room, err)
	}
	return conn, nil
}
