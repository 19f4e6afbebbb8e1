package cloudinit

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/host"
	"escala/service"
)

// watched returns the description with a bake.
func watched(spec service.Spec) service.Spec {
	spec.Bake.Time = 2 * time.Minute
	return spec
}

// startCounting runs the real Nginx of a machine, and returns its address.
func startCounting(t testing.TB, spec service.Spec) (m Machine, address string) {
	t.Helper()
	m = nginxMachine(t, spec)
	address, _ = runNginx(t, m)
	return m, address
}

// ask sends a request, and returns the status of its answer.
func ask(t testing.TB, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// counts asks Nginx as the agent does.
func counts(t *testing.T, traffic *host.Traffic) agent.Counts {
	t.Helper()
	var c agent.Counts
	require.Eventually(t, func() bool {
		var err error
		c, err = traffic.Count(context.Background())
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	return c
}

// awaitCounts waits for Nginx' counts, which follow its answers a moment later.
func awaitCounts(t *testing.T, traffic *host.Traffic, want agent.Counts) {
	t.Helper()
	assert.Eventually(t, func() bool { return assert.ObjectsAreEqual(want, counts(t, traffic)) }, time.Minute, 10*time.Millisecond)
}

// TestNginxCountsAnswersByRelease checks a program on escala's runtime, which names
// the release of each answer itself.
func TestNginxCountsAnswersByRelease(t *testing.T) {
	m, address := startCounting(t, watched(service.NewSpec()))
	one, two := service.ReleaseID(strings.Repeat("1", 64)), service.ReleaseID(strings.Repeat("2", 64))
	serve := func() *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Release", r.URL.Query().Get("release"))
			status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
			w.WriteHeader(status)
		}))
		require.NoError(t, s.Listener.Close())
		var err error
		s.Listener, err = net.Listen("unix", m.Root+host.ProxySocket)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(m.Root+host.ProxySocket, 0o666))
		s.Start()
		return s
	}
	traffic := &host.Traffic{Root: host.Root(m.Root), Config: agent.Config{Name: "api", Workers: 2}}
	first := counts(t, traffic)
	assert.NotEmpty(t, first.Since)
	assert.Empty(t, first.Answers)

	s := serve()
	for _, path := range []string{"200", "200", "404", "500", "503"} {
		ask(t, "http://"+address+"/"+path+"?release="+string(one))
	}
	ask(t, "http://"+address+"/200?release="+string(two))
	ask(t, "http://"+address+"/500?release=no%20release")
	s.Close()
	require.Equal(t, http.StatusBadGateway, ask(t, "http://"+address+"/200"))
	want := agent.Counts{
		Since: first.Since, Unanswered: 2,
		Answers: map[service.ReleaseID]agent.Answers{one: {All: 5, Failed: 2}, two: {All: 1}},
	}
	awaitCounts(t, traffic, want)

	t.Log("a page instead of the service is no answer of a release")
	page := m.Root + host.MaintenancePage
	require.NoError(t, os.MkdirAll(filepath.Dir(page), 0o755))
	require.NoError(t, os.WriteFile(page, []byte("later"), 0o644))
	require.Equal(t, http.StatusServiceUnavailable, ask(t, "http://"+address+"/200"))
	assert.Equal(t, want, counts(t, traffic))
}

// TestNginxCountsAnswersOfAnyProgram checks that the answers of any other program
// belong to the release that the agent named.
func TestNginxCountsAnswersOfAnyProgram(t *testing.T) {
	m, address := startCounting(t, watched(anyProgram()))
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Release", strings.Repeat("f", 64))
		if r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	one := service.ReleaseID(strings.Repeat("1", 64))
	traffic := &host.Traffic{Root: host.Root(m.Root), Config: agent.Config{Name: "api", Workers: 2}}
	since := counts(t, traffic).Since
	require.NoError(t, host.Upstreams{Root: host.Root(m.Root)}.Use(t.Context(), []agent.Upstream{
		{Slot: failing.Listener.Addr().(*net.TCPAddr).Port, Release: one},
	}))
	for _, path := range []string{"/", "/fails", "/"} {
		ask(t, "http://"+address+path)
	}
	failing.Close()
	require.Equal(t, http.StatusBadGateway, ask(t, "http://"+address+"/"))
	awaitCounts(t, traffic, agent.Counts{Since: since, Answers: map[service.ReleaseID]agent.Answers{one: {All: 4, Failed: 2}}})
}

// TestEndsOfWorkersAreCounted checks that a worker that ends by itself after the
// agent's start is counted.
func TestEndsOfWorkersAreCounted(t *testing.T) {
	m, _ := startCounting(t, watched(service.NewSpec()))
	log := m.Root + host.SupervisorLog
	require.NoError(t, os.MkdirAll(filepath.Dir(log), 0o755))
	write := func(lines ...string) {
		t.Helper()
		f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		defer f.Close()
		for _, line := range lines {
			fmt.Fprintln(f, line)
		}
	}
	const dies = "2026-11-26 03:00:00,000 INFO exited: api_0 (exit status 1; not expected)"
	write(dies, dies)
	traffic := &host.Traffic{Root: host.Root(m.Root), Config: agent.Config{Name: "api", Workers: 2, Mode: service.WorkersShared}}
	assert.Zero(t, counts(t, traffic).Ended, "before the agent's start")
	write(dies, "2026-11-26 03:00:01,000 INFO stopped: api_1 (exit status 0)", strings.Replace(dies, "api_0", "api_3", 1))
	assert.EqualValues(t, 2, counts(t, traffic).Ended)
}

// TestOnlyAMachineWithABakeCounts checks that a machine whose releases are not
// watched has no Lua module for it.
func TestOnlyAMachineWithABakeCounts(t *testing.T) {
	for _, spec := range []service.Spec{service.NewSpec(), anyProgram()} {
		files, err := testMachine(spec).files()
		require.NoError(t, err)
		for _, f := range files {
			assert.NotContains(t, f.Content, "answers.lua", f.Path)
			assert.NotContains(t, f.Content, `require("answers")`, f.Path)
			assert.NotContains(t, f.Content, `"counted":`, f.Path)
		}
	}
}

// BenchmarkCountingAnswers measures what counting costs Nginx for each request. Run it
// with -benchtime 20000x: processor time counts in steps of 10 ms.
func BenchmarkCountingAnswers(b *testing.B) {
	for name, spec := range map[string]service.Spec{
		"runtime": service.NewSpec(), "runtime counted": watched(service.NewSpec()),
	} {
		b.Run(name, func(b *testing.B) {
			m, address := startCounting(b, spec)
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Release", strings.Repeat("a", 64))
				fmt.Fprintln(w, "hello")
			}))
			require.NoError(b, s.Listener.Close())
			var err error
			s.Listener, err = net.Listen("unix", m.Root+host.ProxySocket)
			require.NoError(b, err)
			require.NoError(b, os.Chmod(m.Root+host.ProxySocket, 0o666))
			s.Start()
			defer s.Close()
			url := "http://" + address + "/"
			require.Equal(b, http.StatusOK, ask(b, url))
			before, _ := nginxTicks(b, m.Root)
			b.ResetTimer()
			for range b.N {
				ask(b, url)
			}
			after, kib := nginxTicks(b, m.Root)
			b.ReportMetric(float64(after-before)*10_000/float64(b.N), "nginx-cpu-µs/op")
			b.ReportMetric(float64(kib)/1024, "nginx-MiB")
		})
	}
}
