package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"escala/infra/deploy/kubeconfig"
)

// client makes the gate's few requests to an API server.
type client struct {
	http *http.Client
	base *url.URL
}

// errNotFound means that an object does not exist.
var errNotFound = errors.New("does not exist")

// askTimeout limits one request.
const askTimeout = 10 * time.Second

// newClient returns a client for the cluster of the kubeconfig's current
// context.
func newClient(content string) (*client, error) {
	h, base, err := kubeconfig.Client(content, askTimeout)
	if err != nil {
		return nil, err
	}
	return &client{http: h, base: base}, nil
}

// get reads an object or a list.
func (c *client) get(ctx context.Context, path string, query url.Values, into any) error {
	body, _, err := c.read(ctx, path, query)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("reading the Kubernetes API's answer for %s: %w", path, err)
	}
	return nil
}

// maxAnswer limits an answer to about a thousand pods.
const maxAnswer = 64 << 20

// read makes a request, and returns the answer's body and header.
func (c *client) read(ctx context.Context, path string, query url.Values) ([]byte, http.Header, error) {
	at := c.base.JoinPath(path)
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "application/json, */*")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("the Kubernetes API: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, nil, fmt.Errorf("%s %w", path, errNotFound)
	case err != nil:
		return nil, nil, fmt.Errorf("the Kubernetes API: %w", err)
	case resp.StatusCode != http.StatusOK:
		var said struct{ Message string }
		if json.Unmarshal(body, &said) != nil || said.Message == "" {
			said.Message = resp.Status
		}
		return nil, nil, fmt.Errorf("the Kubernetes API: %s", said.Message)
	}
	return body, resp.Header, nil
}

// logTail returns the last lines of a container, or those of its previous run.
// It returns "" if no lines are available.
func (c *client) logTail(ctx context.Context, namespace, pod, container string, lines int, previous bool) string {
	body, _, err := c.read(ctx, "/api/v1/namespaces/"+namespace+"/pods/"+pod+"/log", url.Values{
		"container": {container}, "tailLines": {strconv.Itoa(lines)}, "previous": {strconv.FormatBool(previous)},
		"limitBytes": {"8192"},
	})
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(body))
}

// events returns the events of an object, the latest last.
func (c *client) events(ctx context.Context, namespace, kind, name string) []objectEvent {
	var list struct{ Items []objectEvent }
	err := c.get(ctx, "/api/v1/namespaces/"+namespace+"/events", url.Values{
		"fieldSelector": {"involvedObject.kind=" + kind + ",involvedObject.name=" + name},
	}, &list)
	if err != nil {
		return nil
	}
	return list.Items
}
