package pods

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/operate"
)

// api simulates an API server for the pods of one Deployment.
type api struct {
	mu   sync.Mutex
	pods []string
	// log answers for a pod's log.
	log func(pod string, w http.ResponseWriter, r *http.Request)
	// command answers an exec.
	command func(ctx context.Context, conn *websocket.Conn, r *http.Request)
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/shop/pods")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case r.URL.Path == "/apis/apps/v1/namespaces/shop/deployments/api":
		fmt.Fprint(w, `{"spec":{"replicas":2,"selector":{"matchLabels":{"app":"api"}}}}`)
	case path == "" && r.URL.Query().Get("labelSelector") != "app=api":
		fmt.Fprint(w, `{"items":[]}`)
	case path == "":
		a.mu.Lock()
		defer a.mu.Unlock()
		var items []map[string]any
		for i, name := range a.pods {
			items = append(items, map[string]any{
				"metadata": map[string]any{"name": name, "uid": name, "creationTimestamp": time.Unix(int64(i), 0).UTC()},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "api"}}},
				"status":   map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}},
			})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items})
	case len(parts) == 2 && parts[1] == "log":
		a.log(parts[0], w, r)
	case len(parts) == 2 && parts[1] == "exec":
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"v5.channel.k8s.io"}})
		if err == nil {
			a.command(r.Context(), conn, r)
			_ = conn.Close(websocket.StatusNormalClosure, "")
		}
	default:
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message":"pods is forbidden: User \"x\" cannot do that"}`)
	}
}

func (a *api) cluster(t *testing.T) *Cluster {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	kubeconfig := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c",
		"contexts":[{"name":"c","context":{"cluster":"c","user":"c"}}],
		"clusters":[{"name":"c","cluster":{"server":%q}}],"users":[{"name":"c","user":{"token":"secret"}}]}`, server.URL)
	c, err := New(kubeconfig, "shop", "api")
	require.NoError(t, err)
	return c
}

func line(second int, text string) string {
	return fmt.Sprintf("2026-01-02T03:04:%02d.5Z %s\n", second, text)
}

func TestLogsOfAllPodsAreInOrder(t *testing.T) {
	t.Parallel()
	a := &api{pods: []string{"api-1", "api-2"}}
	var queries []string
	a.log = func(pod string, w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		if pod == "api-1" {
			fmt.Fprint(w, line(1, "a x"), line(3, "b x"), line(5, strings.Repeat("long", 100_000)), line(6, "without an end")[:30])
			return
		}
		fmt.Fprint(w, line(2, "c x"), line(4, "d \x1b[31m x"))
	}
	c := a.cluster(t)
	var got []string
	emit := func(l operate.Line) error {
		got = append(got, l.Source+" "+l.Text[:min(len(l.Text), 20)])
		return nil
	}
	require.NoError(t, c.Logs(t.Context(), operate.LogsRequest{Lines: 5}, emit))
	assert.Equal(t, []string{"api-1 a x", "api-2 c x", "api-1 b x", "api-2 d \x1b[31m x", "api-1 longlonglonglonglong"}, got[:5])
	assert.Contains(t, queries[0], "tailLines=5")
	got = nil
	require.NoError(t, c.Logs(t.Context(), operate.LogsRequest{Source: "api-2", Since: time.Unix(0, 0), Contains: "d ", Previous: true}, emit))
	assert.Equal(t, []string{"api-2 d \x1b[31m x"}, got)
	assert.Contains(t, queries[2], "previous=true")
	assert.Contains(t, queries[2], "sinceTime=1970-01-01T00%3A00%3A00Z")
	require.ErrorContains(t, c.Logs(t.Context(), operate.LogsRequest{Source: "web"}, emit), `"web" is not one of the service's pods: api-1, api-2`)
	stop := errors.New("stop")
	require.ErrorIs(t, c.Logs(t.Context(), operate.LogsRequest{}, func(operate.Line) error { return stop }), stop)
}

// TestTheLastLinesWithAText checks logs with more lines than requested, and the
// lines after them.
func TestTheLastLinesWithAText(t *testing.T) {
	t.Parallel()
	a := &api{pods: []string{"api-1", "api-2"}}
	a.log = func(pod string, w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.URL.Query().Get("tailLines"), "they would be lines of any text")
		if r.URL.Query().Get("follow") == "" {
			for second := range 30 {
				fmt.Fprint(w, line(second, fmt.Sprintf("%s %d fault", pod, second)), line(second, pod+" well"))
			}
			fmt.Fprint(w, line(40, pod+" well"))
			return
		}
		assert.Equal(t, "2026-01-02T03:04:40.5Z", r.URL.Query().Get("sinceTime"), "nothing between the two is lost or told twice")
		fmt.Fprint(w, line(40, pod+" well"), line(41, pod+" well"), line(42, pod+" new fault"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	c := a.cluster(t)
	var got []string
	request := operate.LogsRequest{Lines: 2, Contains: "fault"}
	require.NoError(t, c.Logs(t.Context(), request, func(l operate.Line) error {
		got = append(got, l.Text)
		return nil
	}))
	assert.Equal(t, []string{"api-1 28 fault", "api-2 28 fault", "api-1 29 fault", "api-2 29 fault"}, got)

	got = nil
	stop := errors.New("stop")
	request.Follow, request.Source = true, "api-1"
	require.ErrorIs(t, c.Logs(t.Context(), request, func(l operate.Line) error {
		if got = append(got, l.Text); len(got) == 3 {
			return stop
		}
		return nil
	}), stop)
	assert.Equal(t, []string{"api-1 28 fault", "api-1 29 fault", "api-1 new fault"}, got)
}

// TestFollowingPodsThatComeAndGo checks a stream that the API server ends, and a new
// pod.
func TestFollowingPodsThatComeAndGo(t *testing.T) {
	t.Parallel()
	a := &api{pods: []string{"api-1"}}
	streams := map[string]int{}
	a.log = func(pod string, w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		streams[pod]++
		n := streams[pod]
		a.mu.Unlock()
		fmt.Fprint(w, line(1, pod+" one"))
		if n > 1 {
			fmt.Fprint(w, line(2, pod+" two")) // after the repetition
			a.mu.Lock()
			a.pods = []string{"api-1", "api-2"}
			a.mu.Unlock()
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}
	c := a.cluster(t)
	stop := errors.New("stop")
	var got []string
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := c.Logs(ctx, operate.LogsRequest{Follow: true}, func(l operate.Line) error {
		if got = append(got, l.Text); len(got) == 4 {
			return stop
		}
		return nil
	})
	require.ErrorIs(t, err, stop)
	assert.Equal(t, []string{"api-1 one", "api-1 two"}, got[:2])
	assert.ElementsMatch(t, []string{"api-2 one", "api-2 two"}, got[2:])
}

func TestExec(t *testing.T) {
	t.Parallel()
	a := &api{pods: []string{"api-1"}}
	var asked string
	ends := `{"status":"Success"}`
	a.command = func(ctx context.Context, conn *websocket.Conn, r *http.Request) {
		asked = r.URL.RawQuery
		for {
			_, message, err := conn.Read(ctx)
			if err != nil {
				return
			}
			if message[0] == channelClose {
				break
			}
			_ = conn.Write(ctx, websocket.MessageBinary, append([]byte{channelOut}, bytes.ToUpper(message[1:])...))
		}
		_ = conn.Write(ctx, websocket.MessageBinary, []byte("\x02a warning"))
		_ = conn.Write(ctx, websocket.MessageBinary, append([]byte{channelStatus}, ends...))
	}
	c := a.cluster(t)
	run := func(command ...string) (string, string, error) {
		in, err := os.CreateTemp(t.TempDir(), "in")
		require.NoError(t, err)
		_, err = in.WriteString("hello")
		require.NoError(t, err)
		_, err = in.Seek(0, 0)
		require.NoError(t, err)
		var out, said bytes.Buffer
		err = c.Exec(t.Context(), operate.ExecRequest{Command: command, In: in, Out: &out, Err: &said})
		return out.String(), said.String(), err
	}
	out, said, err := run("cat", "-n")
	require.NoError(t, err)
	assert.Equal(t, "HELLO", out)
	assert.Equal(t, "a warning", said)
	assert.Equal(t, "command=cat&command=-n&container=api&stderr=true&stdin=true&stdout=true&tty=false", asked)

	ends = `{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}`
	_, _, err = run("false")
	var exit *operate.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 7, exit.Status)

	ends = `{"status":"Failure","message":"exec: \"sh\": executable file not found in $PATH"}`
	_, _, err = run()
	require.ErrorContains(t, err, "pod api-1 has no sh: the image that escala builds has the service's binary alone and no shell")
}
