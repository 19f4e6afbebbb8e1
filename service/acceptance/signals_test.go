package acceptance

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/status"
)

// TestHangupOfEveryProcessLosesNothing checks that the primary rolls, and that no
// request in flight is lost, when every process gets SIGHUP, as from "pkill -HUP
// api".
func TestHangupOfEveryProcessLosesNothing(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	before := c.workers()
	got := make(chan error, 1)
	go func() {
		_, _, err := fetch(t.Context(), c.url+"/slow?ms=1500")
		got <- err
	}()
	await(t, func() bool {
		n := int64(0)
		for _, w := range c.workers() {
			n += w.InFlight
		}
		return n == 1
	}, "the request is in flight")
	c.signal(syscall.SIGHUP)
	for pid := range before {
		require.NoError(t, syscall.Kill(pid, syscall.SIGHUP))
		require.NoError(t, syscall.Kill(pid, syscall.SIGUSR1))
	}
	require.NoError(t, <-got)
	await(t, func() bool {
		s, err := c.cluster()
		return err == nil && s.Roll != nil && s.Roll.State == "done"
	}, "%s", lazy(c.output))
	s, err := c.cluster()
	require.NoError(t, err)
	assert.Empty(t, s.Incident, "no worker ended by itself")
}

// TestHangupOfALoneWorkerDrains checks that a worker without a supervisor drains
// when it gets SIGHUP, as from a closed terminal.
func TestHangupOfALoneWorkerDrains(t *testing.T) {
	t.Parallel()
	address, socket := sharedSocket(t)
	p := worker(t, socket, "LISTEN=fd:0")
	got := make(chan error, 1)
	go func() {
		_, _, err := fetch(t.Context(), "http://"+address+"/slow?ms=1000")
		got <- err
	}()
	await(t, func() bool { return p.status().InFlight == 1 })
	p.signal(syscall.SIGHUP)
	require.NoError(t, <-got)
	assert.Equal(t, 0, p.wait())
}

func TestHungWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "WORKER_HANG_LIMIT=3s")
	await(t, func() bool { return strings.Count(c.output(), `"worker ready"`) == 2 }, "the primary knows that they are ready")
	var hung int
	for pid := range c.workers() {
		hung = pid
	}
	require.NoError(t, syscall.Kill(hung, syscall.SIGSTOP))
	await(t, func() bool {
		_, there := c.workers()[hung]
		return !there && c.ready() == 2
	}, "%s", lazy(c.output))
	s, err := c.cluster()
	require.NoError(t, err)
	assert.Contains(t, s.Incident, "did not answer /health for 3s and was killed")
}

// TestLogThatNobodyReads checks that a worker whose log is a full pipe serves and
// drains.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close() // open, but never read
	admin := filepath.Join(socketDir(t), "admin.sock")
	address, socket := sharedSocket(t)
	cmd := exec.Command(binary, "serve")
	cmd.Stdin = socket
	cmd.Env = []string{"LISTEN=fd:0", "ADMIN_SOCKET=" + admin, "LOG_REQUESTS=all", "DRAIN_LINGER=1s"}
	cmd.Stdout, cmd.Stderr = w, w
	require.NoError(t, cmd.Start())
	require.NoError(t, w.Close())
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	await(t, func() bool { return status.Probe(t.Context(), admin, "/ready") == nil })
	for range 1500 { // several times the capacity of a pipe
		res, err := http.Get("http://" + address + "/")
		require.NoError(t, err)
		_, _, err = replied(res)
		require.NoError(t, err)
	}
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-exited:
		require.NoError(t, err, "it drains")
	case <-time.After(maxWait):
		require.FailNow(t, "the worker does not end")
	}
}

// TestPrimaryAfterAKilledOne checks that a primary can start while the workers of
// a killed one still announce their end on the socket.
func TestPrimaryAfterAKilledOne(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "DRAIN_ANNOUNCE=2s")
	require.NoError(t, syscall.Kill(c.pid(), syscall.SIGKILL))
	<-c.exited
	again := launch(t, c.path, []string{"cluster"}, append(c.cmd.Env, "DRAIN_ANNOUNCE=0s"), nil)
	again.awaitOutput("primary listening on")
	await(t, func() bool { return c.ready() == 2 }, "%s", lazy(again.output))
}

func TestPrimaryRefusesAProgramThatIsNoFile(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	require.NoError(t, os.Remove(c.path))
	require.NoError(t, syscall.Mkfifo(c.path, 0o755))
	c.signal(syscall.SIGHUP)
	await(t, func() bool {
		s, err := c.cluster()
		return err == nil && s.Roll != nil && s.Roll.State == "aborted"
	})
	s, err := c.cluster()
	require.NoError(t, err)
	assert.Contains(t, s.Roll.Error, "is not a regular file")
	assert.Equal(t, 2, c.ready())
	c.signal(syscall.SIGTERM)
	assert.Equal(t, 0, c.wait())
}
