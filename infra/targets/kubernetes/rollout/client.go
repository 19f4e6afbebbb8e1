package rollout

import (
	"bytes"
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

var (
	// errNotFound means that an object does not exist.
	errNotFound = errors.New("does not exist")
	// errConflict means that an object already exists or has another version.
	errConflict = errors.New("exists already, or was changed meanwhile")
)

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

// maxAnswer is the largest answer in bytes. It is enough for about a thousand pods.
const maxAnswer = 64 << 20

// read returns the body and the header of the answer to a GET request.
func (c *client) read(ctx context.Context, path string, query url.Values) ([]byte, http.Header, error) {
	return c.request(ctx, http.MethodGet, path, query, "", nil)
}

// request makes a request, and returns the answer's body and header. kind is the
// content type of content.
func (c *client) request(ctx context.Context, method, path string, query url.Values, kind string, content []byte) ([]byte, http.Header, error) {
	at := c.base.JoinPath(path)
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(content))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "application/json, */*")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
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
	case resp.StatusCode == http.StatusConflict:
		return nil, nil, fmt.Errorf("%s %w", path, errConflict)
	case resp.StatusCode/100 != 2:
		return nil, nil, fmt.Errorf("the Kubernetes API: %s", refusal(resp, body))
	}
	return body, resp.Header, nil
}

// create creates an object in a collection.
func (c *client) create(ctx context.Context, path string, object any) error {
	content, err := json.Marshal(object)
	if err != nil {
		return err
	}
	_, _, err = c.request(ctx, http.MethodPost, path, nil, "application/json", content)
	return err
}

// patch merges a change into an object.
func (c *client) patch(ctx context.Context, path string, change any) error {
	content, err := json.Marshal(change)
	if err != nil {
		return err
	}
	_, _, err = c.request(ctx, http.MethodPatch, path, url.Values{"fieldManager": {"escala"}}, "application/merge-patch+json", content)
	return err
}

// small reads an answer of at most limit bytes.
func (c *client) small(ctx context.Context, path string, header map[string]string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath(path).String(), nil)
	if err != nil {
		return nil, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the Kubernetes API: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err != nil {
		return nil, fmt.Errorf("the Kubernetes API: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the Kubernetes API: %s", refusal(resp, body))
	}
	return body, nil
}

// refusal returns the reason in an answer that is not a success.
func refusal(resp *http.Response, body []byte) string {
	var said struct{ Message string }
	if json.Unmarshal(body, &said) != nil || said.Message == "" {
		return resp.Status
	}
	return said.Message
}

// remove deletes an object, and its dependents in the background.
func (c *client) remove(ctx context.Context, path string) error {
	_, _, err := c.request(ctx, http.MethodDelete, path, url.Values{"propagationPolicy": {"Background"}}, "", nil)
	return err
}

// toldBytes is the length of the last lines of a container in an error. readLogBytes is
// the number of bytes that are read to find them: limitBytes of Kubernetes' API keeps
// the first of the last lines, and an error is in the last one.
const (
	toldBytes    = 8 << 10
	readLogBytes = 512 << 10
)

// logTail returns the last lines of a container, or those of its previous run.
// It returns "" if no lines are available.
func (c *client) logTail(ctx context.Context, namespace, pod, container string, lines int, previous bool) string {
	body, _, err := c.read(ctx, "/api/v1/namespaces/"+namespace+"/pods/"+pod+"/log", url.Values{
		"container": {container}, "tailLines": {strconv.Itoa(lines)}, "previous": {strconv.FormatBool(previous)},
		"limitBytes": {strconv.Itoa(readLogBytes)},
	})
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(string(body))
	if over := len(text) - toldBytes; over > 0 {
		text = text[over:]
		if _, whole, ok := strings.Cut(text, "\n"); ok {
			text = whole
		}
	}
	return strings.ToValidUTF8(text, "")
}

// events returns the events of an object, the latest one last.
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
