package cloudinit

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/host"
	"escala/service"
)

// anyProgram returns the description of a program without escala's runtime.
func anyProgram() service.Spec {
	spec := service.NewSpec()
	spec.Runtime = service.RuntimeNone
	spec.Workers.Mode, spec.ReadyPath = "", ""
	spec.FillDefaults()
	return spec
}

// program is a worker that answers with its name, once release is closed.
type program struct {
	*httptest.Server
	port    int
	release chan struct{}
}

func newProgram(t *testing.T, name string) *program {
	t.Helper()
	p := &program{release: make(chan struct{})}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/slow":
			<-p.release
		case "/elsewhere":
			w.Header().Set("X-Accel-Redirect", r.URL.Query().Get("to"))
		case "/ws":
			conn, b, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = b.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			_ = b.Flush()
			<-p.release
			return
		}
		fmt.Fprint(w, name)
	}))
	t.Cleanup(p.Close)
	p.port = p.Listener.Addr().(*net.TCPAddr).Port
	return p
}

// TestNginxSendsRequestsWhereTheAgentSays checks the real Nginx with the real Lua
// module and the agent's own client.
func TestNginxSendsRequestsWhereTheAgentSays(t *testing.T) {
	root, address := startWithUpstreams(t)
	one, two := newProgram(t, "one"), newProgram(t, "two")
	u := host.Upstreams{Root: host.Root(root)} // the slot is the port
	first, second := service.ReleaseID(strings.Repeat("1", 64)), service.ReleaseID(strings.Repeat("2", 64))
	ask := func(method, path string) (status int, body string, h http.Header) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, strings.NewReader("body"))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(text), resp.Header
	}
	use := func(upstreams ...agent.Upstream) {
		t.Helper()
		require.NoError(t, u.Use(t.Context(), upstreams))
	}
	busy := func() map[int]int {
		t.Helper()
		n, err := u.Busy(t.Context())
		require.NoError(t, err)
		return n
	}
	awaitBusy := func(want map[int]int) {
		t.Helper()
		assert.Eventually(t, func() bool { return assert.ObjectsAreEqual(want, busy()) }, time.Minute, 10*time.Millisecond)
	}

	status, _, h := ask(http.MethodGet, "/")
	assert.Equal(t, http.StatusBadGateway, status, "there is no worker yet")
	assert.Empty(t, h.Get("X-Release"))

	use(agent.Upstream{Slot: one.port, Worker: 0, Release: first}, agent.Upstream{Slot: two.port, Worker: 1, Release: second})
	seen := map[string]bool{}
	for range 20 {
		status, body, h := ask(http.MethodPost, "/")
		require.Equal(t, http.StatusOK, status)
		seen[body+" "+h.Get("X-Worker")+" "+h.Get("X-Release")[:1]] = true
	}
	assert.Equal(t, map[string]bool{"one 0 1": true, "two 1 2": true}, seen)
	awaitBusy(map[int]int{})

	t.Log("a request in flight is counted until it is answered, and gets no company")
	use(agent.Upstream{Slot: one.port, Worker: 0, Release: first})
	answered := make(chan string, 1)
	go func() {
		_, body, _ := ask(http.MethodPost, "/slow")
		answered <- body
	}()
	awaitBusy(map[int]int{one.port: 1})
	use(agent.Upstream{Slot: two.port, Worker: 0, Release: second})
	for range 20 {
		_, body, _ := ask(http.MethodPost, "/")
		require.Equal(t, "two", body)
	}
	// The log phase, which ends a count, comes after the answer.
	awaitBusy(map[int]int{one.port: 1})
	close(one.release)
	assert.Equal(t, "one", <-answered)
	awaitBusy(map[int]int{})

	t.Log("a WebSocket is not counted")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	awaitBusy(map[int]int{})
	close(two.release)

	t.Log("a worker that has died is passed over, also for a POST")
	one.Close()
	use(agent.Upstream{Slot: one.port, Worker: 0, Release: first}, agent.Upstream{Slot: two.port, Worker: 1, Release: second})
	for range 20 {
		status, body, h := ask(http.MethodPost, "/")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "two", body)
		require.Equal(t, string(second), h.Get("X-Release"))
	}
	awaitBusy(map[int]int{})

	current, err := u.Current()
	require.NoError(t, err)
	assert.Equal(t, []agent.Upstream{{Slot: one.port, Worker: 0, Release: first}, {Slot: two.port, Worker: 1, Release: second}}, current)
}

// TestProgramsDoNotSendNginxElsewhere checks that X-Accel-Redirect has no effect:
// Nginx would answer with another of its locations. A program may pass on what
// another server sent, and the request would be counted for ever.
func TestProgramsDoNotSendNginxElsewhere(t *testing.T) {
	root, address := startWithUpstreams(t)
	one := newProgram(t, "one")
	u := host.Upstreams{Root: host.Root(root)}
	require.NoError(t, u.Use(t.Context(), []agent.Upstream{{Slot: one.port, Release: service.ReleaseID(strings.Repeat("1", 64))}}))
	for _, to := range []string{"/other", "/-/release", "@named"} {
		status, got := askNginx(t, http.MethodGet, address, "/elsewhere?to="+to, nil, nil)
		assert.Equal(t, "200 one", fmt.Sprint(status, " ", got), to)
	}
	assert.Eventually(t, func() bool {
		busy, err := u.Busy(t.Context())
		return err == nil && len(busy) == 0
	}, 5*time.Second, 10*time.Millisecond, "no request is counted any more")
}

// startWithUpstreams runs Nginx with the configuration of a program without
// escala's runtime. It returns the machine's root and Nginx' address.
func startWithUpstreams(t *testing.T) (root, address string) {
	t.Helper()
	m := nginxMachine(t, anyProgram())
	address, _ = runNginx(t, m)
	u := host.Upstreams{Root: host.Root(m.Root)}
	require.Eventually(t, func() bool {
		_, err := u.Busy(context.Background())
		return err == nil
	}, time.Minute, 10*time.Millisecond, "Nginx does not answer the agent")
	return m.Root, address
}
