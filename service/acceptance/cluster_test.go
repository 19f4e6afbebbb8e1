package acceptance

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/status"
)

// primary is a running api cluster.
type primary struct {
	*process
	dir, url, path string
}

// startCluster runs a copy of the binary, so that a test can install another
// release at the same path.
func startCluster(t *testing.T, workers int, env ...string) *primary {
	t.Helper()
	c := unreadyCluster(t, workers, env...)
	await(t, func() bool { return c.ready() == workers }, "%s", lazy(c.output))
	for n := range workers { // to the primary, a worker that ends before this line has failed to start
		c.awaitOutput(fmt.Sprintf(`"msg":"worker ready","role":"primary","worker":%d`, n))
	}
	return c
}

func unreadyCluster(t *testing.T, workers int, env ...string) *primary {
	t.Helper()
	dir := socketDir(t)
	port := freePort(t)
	c := &primary{dir: filepath.Join(dir, "run"), url: fmt.Sprintf("http://127.0.0.1:%d", port), path: filepath.Join(dir, "api")}
	install(t, binary, c.path, "")
	c.process = launch(t, c.path, []string{"cluster"}, append([]string{
		"RUN_DIR=" + c.dir, fmt.Sprintf("PORT=%d", port), "HOST=127.0.0.1", fmt.Sprintf("WORKERS=%d", workers),
		"DRAIN_LINGER=1s", "ROLL_STEADY=100ms", "RESTART_PAUSE=20ms",
	}, env...), nil)
	return c
}

// install replaces a program as a release does: it writes a new file beside it
// and renames it. The appended text makes it another release.
func install(t *testing.T, from, to, appended string) {
	t.Helper()
	// Another process writes the file. A file that this process has just
	// written may still be open for writing in a child that has not yet called
	// exec, and the kernel then refuses to run it ("text file busy").
	out, err := exec.Command("sh", "-c", `cp "$1" "$2.new" && printf %s "$3" >>"$2.new" && chmod 755 "$2.new" && mv "$2.new" "$2"`,
		"install", from, to, appended).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// script creates a file for install.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(socketDir(t), "script")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func (c *primary) cluster() (status.Report, error) {
	var s status.Report
	err := status.Read(c.t.Context(), filepath.Join(c.dir, status.PrimarySocket), &s)
	return s, err
}

func (c *primary) ready() int {
	s, _ := c.cluster()
	n := 0
	for _, w := range s.Workers {
		if w.Ready {
			n++
		}
	}
	return n
}

func (c *primary) workers() map[int]status.Worker {
	c.t.Helper()
	var s status.Report
	await(c.t, func() (ok bool) {
		var err error
		s, err = c.cluster()
		return err == nil
	}, "the primary does not answer")
	out := map[int]status.Worker{}
	for _, w := range s.Workers {
		out[w.PID] = w
	}
	return out
}

func TestClusterStartsDeadWorkersAgain(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	before := c.workers()
	for pid := range before {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	await(t, func() bool {
		for pid := range before {
			if _, old := c.workers()[pid]; old {
				return false
			}
		}
		return c.ready() == 2
	})
	for _, w := range c.workers() {
		require.NotNil(t, w.Restarts)
		assert.Equal(t, 1, *w.Restarts)
		assert.Equal(t, releaseID, w.Release)
	}
	c.signal(syscall.SIGTERM)
	assert.Equal(t, 0, c.wait())
	left, err := os.ReadDir(c.dir)
	require.NoError(t, err)
	assert.Empty(t, left, "no socket is left behind")
}

func TestClusterRollsToANewReleaseWithoutLoss(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	l := startLoad(t, c.url, 6, true)
	m := startLoad(t, c.url, 2, false)
	const rolls = 3
	l.awaitAnswers(t, 50)
	for i := range rolls {
		old := c.workers()
		install(t, binary, c.path, fmt.Sprintf("release %d", i))
		c.signal(syscall.SIGHUP)
		await(t, func() bool {
			s, err := c.cluster()
			return err == nil && s.Roll != nil && s.Roll.State == "done" && !overlap(old, c.workers())
		}, "%s", lazy(c.output))
		l.awaitAnswers(t, 50)
	}
	sent, failures := l.stop()
	more, moreFailures := m.stop()
	t.Logf("%d requests, %d failures, %d rolls of 2 workers", sent+more, len(failures)+len(moreFailures), rolls)
	assert.Empty(t, append(failures, moreFailures...))
	assert.Len(t, l.releases, rolls+1, "every release has answered")
	c.signal(syscall.SIGTERM)
	assert.Equal(t, 0, c.wait())
}

func overlap(a, b map[int]status.Worker) bool {
	for pid := range a {
		if _, ok := b[pid]; ok {
			return true
		}
	}
	return false
}

func TestClusterAbortsARollThatFails(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, program, reason string }{
		{"exits at once", "#!/bin/sh\nexit 3\n", "exited with status 3 before it was ready"},
		{"is never ready", "#!/bin/sh\nexec sleep 600\n", "was not ready within 20s"},
		{"is no program", "no program", "starting worker"},
		// It starts the good program, which reports its own release.
		{"is another than its checksum", fmt.Sprintf("#!/bin/sh\nexec %s \"$@\"\n", binary), "it answers as release " + releaseID[:12]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, 2, "START_TIMEOUT=20s")
			old := c.workers()
			l := startLoad(t, c.url, 4, true)
			install(t, script(t, tt.program), c.path, "")
			c.signal(syscall.SIGHUP)
			await(t, func() bool {
				s, err := c.cluster()
				return err == nil && s.Roll != nil && s.Roll.State == "aborted"
			})
			s, err := c.cluster()
			require.NoError(t, err)
			assert.Contains(t, s.Roll.Error, tt.reason)
			assert.Len(t, s.Roll.Release, 64)
			sent, failures := l.stop()
			assert.Empty(t, failures, "of %d", sent)
			for pid, w := range c.workers() {
				assert.Contains(t, old, pid, "the old workers go on")
				assert.True(t, w.Ready)
				require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			}
			// A worker that ends by itself restarts from the serving program,
			// and not from the installed and refused one.
			await(t, func() bool { return c.ready() == 2 && !overlap(old, c.workers()) })
			for _, w := range c.workers() {
				assert.Equal(t, releaseID, w.Release)
			}
			s, err = c.cluster()
			require.NoError(t, err)
			assert.Contains(t, s.Incident, "ended by itself: signal: killed")
			c.signal(syscall.SIGTERM)
			assert.Equal(t, 0, c.wait())
		})
	}
}

func TestClusterGivesUp(t *testing.T) {
	t.Parallel()
	// The program is a good primary and a bad worker.
	program := filepath.Join(socketDir(t), "api")
	install(t, script(t, fmt.Sprintf("#!/bin/bash\n[ \"$1\" = serve ] && exit 7\nexec -a %s %s \"$@\"\n", program, binary)), program, "")
	c := &primary{process: launch(t, program, []string{"cluster"}, []string{
		"RUN_DIR=" + socketDir(t), "PORT=0", "HOST=127.0.0.1", "WORKERS=2", "RESTART_PAUSE=20ms", "RESTART_LIMIT=3",
	}, nil)}
	assert.Equal(t, 1, c.wait())
	assert.Contains(t, c.output(), "gave up: no worker can stay up: every worker failed 3 times in a row or more, the last one with exit status 7")
}

func TestClusterRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		env     []string
		message []string
	}{
		{"workers that are no number", []string{"WORKERS=many"}, []string{`WORKERS: "many" is not a whole number from 1 to 64`}},
		{"no workers", []string{"WORKERS=0"}, []string{"WORKERS: "}},
		{"a negative number", []string{"WORKERS=-2"}, []string{"WORKERS: "}},
		{"a supervisor", []string{"SUPERVISED=supervisord"}, []string{`run "api serve" under it`}},
		{"a pod", []string{"KUBERNETES_SERVICE_HOST=10.0.0.1"}, []string{"scale with replicas"}},
		{"rooms without Redis", []string{"ROOMS=true", "WORKERS=2"}, []string{"REDIS_URL: is not set"}},
		{"everything at once", []string{"WORKERS=x", "SUPERVISED=y", "KUBERNETES_SERVICE_HOST=z", "PORT=p", "STOP_TIMEOUT=1s"}, []string{"WORKERS: ", "SUPERVISED: ", "KUBERNETES_SERVICE_HOST: ", "PORT: ", "STOP_TIMEOUT: "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := launch(t, binary, []string{"cluster"}, append([]string{"RUN_DIR=" + socketDir(t), "PORT=0"}, tt.env...), nil)
			assert.Equal(t, 2, p.wait())
			for _, s := range tt.message {
				assert.Contains(t, p.output(), s)
			}
		})
	}
}

func TestWorkersEndWithAKilledPrimary(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "DRAIN_LINGER="+far.String(), "DRAIN_TIMEOUT="+(2*far).String(), "STOP_TIMEOUT="+(3*far).String())
	workers := c.workers()
	// A request in flight is answered, because the workers drain.
	address := strings.TrimPrefix(c.url, "http://")
	request := dial(t, address, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
	await(t, func() bool {
		for _, w := range c.workers() {
			if w.InFlight == 1 {
				return true
			}
		}
		return false
	})
	require.NoError(t, c.cmd.Process.Kill())
	awaitRefusal(t, address)
	_, err := io.WriteString(request, "llo")
	require.NoError(t, err)
	res, body := answer(t, bufio.NewReader(request))
	assert.Equal(t, "hello", body)
	assert.True(t, res.Close, "the client is asked to leave")
	for pid := range workers {
		await(t, func() bool { return !running(pid) }, "worker %d lives on", pid)
	}
}

// running reports whether a process exists and is not a zombie.
func running(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(state, "Z")
}

func TestClusterSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "DRAIN_TIMEOUT="+far.String(), "STOP_TIMEOUT="+(2*far).String())
	go func() { _, _ = http.Get(c.url + "/slow?ms=60000") }() //nolint:bodyclose // it is cut
	await(t, func() bool {
		for _, w := range c.workers() {
			if w.InFlight == 1 {
				return true
			}
		}
		return false
	})
	c.signal(syscall.SIGTERM)
	c.awaitOutput(`"msg":"draining"`)
	c.signal(syscall.SIGTERM)
	assert.Equal(t, 1, c.wait())
}

func TestClusterReplacesAWorkerWithTooMuchMemory(t *testing.T) {
	t.Parallel()
	// No worker fits into 1 MiB, so each is replaced repeatedly.
	c := startCluster(t, 1, "WORKER_MEMORY_MAX_MIB=1", "WORKER_MEMORY_CHECK=200ms")
	old := c.workers()
	l := startLoad(t, c.url, 4, true)
	await(t, func() bool { return c.ready() > 0 && !overlap(old, c.workers()) })
	sent, failures := l.stop()
	assert.Empty(t, failures, "of %d", sent)
	assert.Contains(t, c.output(), "uses too much memory and is replaced")
}
