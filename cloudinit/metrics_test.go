package cloudinit

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/service"
)

// agentAnswers puts an agent behind a machine's /metrics.
func agentAnswers(t *testing.T, root string) {
	t.Helper()
	socket := root + host.MetricsSocket
	require.NoError(t, os.MkdirAll(filepath.Dir(socket), 0o755))
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(socket, 0o666))
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "metrics %s%s", r.URL, body)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
}

// from returns a client with an address of its own on this computer.
func from(t *testing.T, address, path string, header http.Header, local string) (int, string) {
	t.Helper()
	return askNginxFrom(t, local, http.MethodGet, address, path, header, nil)
}

// TestMetricsAreForNamedScrapersAlone checks who gets the metrics. Every address of
// 127.0.0.0/8 is this computer: 127.1.0.0/16 are the scrapers, 127.0.0.9 is a
// trusted proxy, and the others are the public.
func TestMetricsAreForNamedScrapersAlone(t *testing.T) {
	spec := service.NewSpec()
	spec.Metrics.Allow = []string{"127.1.0.0/16", "203.0.113.7", "2001:db8::/48", "::1"}
	spec.TrustedProxies = []string{"127.0.0.9", "127.0.0.10"}
	address, log := startLogging(t, spec, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "the application")
	})
	agentAnswers(t, filepath.Dir(log))
	port := address[strings.LastIndex(address, ":")+1:]
	for name, tt := range map[string]struct {
		local, forwarded string
		want             int
	}{
		"the public":                          {"127.0.0.1", "", 404},
		"the public, as a scraper":            {"127.0.0.1", "203.0.113.7", 404},
		"the public, as a scraper twice":      {"127.0.0.1", "203.0.113.7, 203.0.113.7", 404},
		"a scraper":                           {"127.1.2.3", "", 200},
		"a scraper, as the public":            {"127.1.2.3", "198.51.100.9", 200},
		"a proxy, for a scraper":              {"127.0.0.9", "203.0.113.7", 200},
		"two proxies, for a scraper":          {"127.0.0.9", "203.0.113.7, 127.0.0.10", 200},
		"a proxy, for a scraper with IPv6":    {"127.0.0.9", "2001:db8::7", 200},
		"a proxy, for the public":             {"127.0.0.9", "198.51.100.9", 404},
		"a proxy, for a forger":               {"127.0.0.9", "203.0.113.7, 198.51.100.9", 404},
		"a proxy, for a forger with IPv6":     {"127.0.0.9", "2001:db8::7, 2001:db9::7", 404},
		"a proxy, for nobody":                 {"127.0.0.9", "", 404},
		"a proxy, for itself":                 {"127.0.0.9", "127.0.0.10", 404},
		"a proxy, for what is no address":     {"127.0.0.9", "203.0.113.7, unknown", 404},
		"a scraper's own connection, by IPv6": {"::1", "198.51.100.9", 200},
	} {
		at := address
		if tt.local == "::1" {
			at = "[::1]:" + port
		}
		header := http.Header{}
		if tt.forwarded != "" {
			header.Set("X-Forwarded-For", tt.forwarded)
		}
		for _, claim := range []string{"X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Forwarded", "X-Client-Ip"} {
			if tt.want == 404 {
				header.Set(claim, "203.0.113.7")
			}
		}
		for _, path := range []string{"/metrics", "/metrics?x=1", "//metrics", "/%6detrics", "/a/../metrics"} {
			status, body := from(t, at, path, header, tt.local)
			assert.Equal(t, tt.want, status, "%s: %s", name, path)
			assert.Equal(t, tt.want == 200, strings.HasPrefix(body, "metrics "), "%s: %s: %s", name, path, body)
		}
		status, body := from(t, at, "/", header, tt.local)
		assert.Equal(t, 200, status, name)
		assert.Equal(t, "the application", body, name)
	}
	status, _ := askNginx(t, http.MethodPost, address, "/metrics", nil, strings.NewReader("x"))
	assert.Equal(t, 404, status)
	lines, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.NotContains(t, string(lines), "forbidden", "strangers write no line into the error log")
}

// TestMetricsOfAMachineWithoutScrapers checks that the default, without named
// scrapers, changes nothing on the machine.
func TestMetricsOfAMachineWithoutScrapers(t *testing.T) {
	t.Parallel()
	m := NewMachine(service.NewSpec())
	conf, err := m.nginx()
	require.NoError(t, err)
	assert.NotContains(t, conf, "metrics'")
	assert.NotContains(t, conf, "scraper")
	files, err := m.agentFiles()
	require.NoError(t, err)
	assert.NotContains(t, files[0].Content, "metrics")
	assert.Empty(t, m.metricsFolders())
}

// TestAScrapeSeesAllWorkers checks a scrape of real workers behind the agent, in
// both modes.
func TestAScrapeSeesAllWorkers(t *testing.T) {
	b := newBench(t, func(s *service.Spec) {
		s.Name = "shop"
		s.Workers.Count = 3
		s.Metrics.Allow = []string{"127.0.0.1"}
	})
	require.NoError(t, os.MkdirAll(b.root+host.MetricsRun, 0o755))
	r := b.release(t, "a")
	b.point(t, r.Pointer())
	b.runOnce(t)
	b.run(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", b.root+host.MetricsSocket)
	}}}
	var text string
	require.Eventually(t, func() bool {
		res, err := client.Get("http://agent/metrics")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		text = string(body)
		return err == nil && res.StatusCode == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
	assert.Equal(t, 3, strings.Count(text, "\nmachine_worker_up{"), text)
	assert.Equal(t, 1, strings.Count(text, "# TYPE service_release_info gauge"))
	for _, worker := range []string{"0", "1", "2"} {
		assert.Regexp(t, `machine_worker_up\{service="shop",worker="`+worker+`",slot="[0-5]"\} 1`, text)
		assert.Regexp(t, `service_release_info\{worker="`+worker+`",slot="[0-5]",release="`+string(r.ID)+`"\} 1`, text)
	}
}
