package acceptance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/status"
)

func TestEveryResponseNamesReleaseAndWorker(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	p := worker(t, nil, fmt.Sprintf("PORT=%d", port), "HOST=127.0.0.1", "WORKER=7", "X_RELEASE=lie", "RELEASE=lie")
	// The log arrives through a pipe, a little later than the readiness.
	p.awaitOutput(fmt.Sprintf("HTTP listening on port %d pid=%d", port, p.pid()))
	for path, want := range map[string]int{"/": 200, "/health": 200, "/ready": 200, "/metrics": 200, "/nowhere": 404, "/slow?ms=x": 400} {
		res, body := get(t, fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
		assert.Equal(t, want, res.StatusCode, path)
		assert.Equal(t, releaseID, res.Header.Get("X-Release"), path)
		assert.Equal(t, "7", res.Header.Get("X-Worker"), path)
		if path == "/health" {
			assert.Equal(t, "ok", body)
		}
	}
}

func TestListensWhereItIsTold(t *testing.T) {
	t.Parallel()
	address, socket := sharedSocket(t)
	path := filepath.Join(socketDir(t), "api.sock")
	require.NoError(t, staleSocket(path))
	port := freePort(t)
	tests := []struct {
		name, listen string
		stdin        *os.File
		network, at  string
		logged       string
	}{
		{"inherited", "fd:0", socket, "tcp", address, "port " + strings.TrimPrefix(address, "127.0.0.1:")},
		{"unix, with a stale socket in its place", "unix:" + path, nil, "unix", path, "socket " + path},
		{"tcp", fmt.Sprintf("tcp:127.0.0.1:%d", port), nil, "tcp", fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("port %d", port)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := worker(t, tt.stdin, "LISTEN="+tt.listen)
			p.awaitOutput(fmt.Sprintf("HTTP listening on %s pid=%d", tt.logged, p.pid()))
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, tt.network, tt.at)
			}}}
			res, err := client.Get("http://service/health")
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			assert.Equal(t, http.StatusOK, res.StatusCode)
			p.signal(syscall.SIGTERM)
			assert.Equal(t, 0, p.wait())
			if tt.network == "unix" {
				assert.NoFileExists(t, path, "it removes its own socket")
			}
		})
	}
}

// staleSocket leaves a socket's file behind, like a killed process.
func staleSocket(path string) error {
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	return l.Close()
}

func TestAdminSocketAnswersForItsWorker(t *testing.T) {
	t.Parallel()
	_, socket := sharedSocket(t)
	p := worker(t, socket, "LISTEN=fd:0", "WORKER=3", "HEALTH_PATH=/alive", "READY_PATH=/accepting")
	info, err := os.Stat(p.admin)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o660), info.Mode().Perm())
	require.NoError(t, status.Probe(t.Context(), p.admin, "/alive"))
	require.NoError(t, status.Probe(t.Context(), p.admin, "/metrics"))
	s := p.status()
	assert.Equal(t, 3, s.Worker)
	assert.Equal(t, p.pid(), s.PID)
	assert.Equal(t, releaseID, s.Release)
	assert.True(t, s.Ready)
	assert.False(t, s.Draining)
	assert.Positive(t, s.UptimeSeconds)
	assert.Positive(t, s.MemoryBytes)
}

func TestBadConfigurationIsReportedWhole(t *testing.T) {
	t.Parallel()
	p := launch(t, binary, []string{"serve"}, []string{
		"PORT=http", "WORKER=one", "DRAIN_TIMEOUT=soon", "WS_PING_INTERVAL=2m", "REDIS_URL=mysql://u:secretpw@h",
		"SESSION_KEYS=k1:c2hvcnQ=", "LOG_LEVEL=loud", "TRUSTED_PROXIES=everyone", "HEALTH_PATH=health", "WS_ORIGINS=[",
	}, nil)
	assert.Equal(t, 2, p.wait())
	for _, name := range []string{"PORT", "WORKER", "DRAIN_TIMEOUT", "WS_PING_INTERVAL", "REDIS_URL", "SESSION_KEYS", "LOG_LEVEL", "TRUSTED_PROXIES", "HEALTH_PATH", "WS_ORIGINS"} {
		assert.Contains(t, p.output(), "\n"+name+": ", name)
	}
	assert.NotContains(t, p.output(), "secretpw")
}

func TestWorkerRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	tests := []struct {
		name    string
		env     []string
		status  int
		message string
	}{
		{"a port that is taken", []string{"LISTEN=tcp:" + taken.Addr().String()}, 1, "address already in use"},
		{"no inherited socket", []string{"LISTEN=fd:0"}, 1, "is not a listening socket"},
		{"several workers with rooms and no Redis", []string{"PORT=0", "ROOMS=true", "WORKERS=2"}, 2, "REDIS_URL: is not set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := unready(t, nil, tt.env...)
			assert.Equal(t, tt.status, p.wait())
			assert.Contains(t, p.output(), tt.message)
		})
	}
}
