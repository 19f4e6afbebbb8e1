package acceptance

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"escala/service/status"
)

// process is a started program and its output.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	exited chan struct{}
	mu     sync.Mutex
	out    strings.Builder
	// admin is the worker's admin socket, and ready its readiness path.
	admin, ready string
}

// Write collects output.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// launch starts a program that ends with the test. stdin may be nil.
func launch(t *testing.T, path string, args, env []string, stdin *os.File) *process {
	t.Helper()
	p := &process{t: t, exited: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	// The test's own environment must not affect the program.
	p.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"GORACE=atexit_sleep_ms=0", // otherwise each process with the race detector takes a second to end
	}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if stdin != nil {
		p.cmd.Stdin = stdin
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		// The whole group gets the signal, because a killed Nginx leaves its
		// workers behind.
		_ = syscall.Kill(-p.pid(), syscall.SIGKILL)
		<-p.exited
		if t.Failed() {
			t.Logf("output of %s %v:\n%s", filepath.Base(path), args, p.output())
		}
		if strings.Contains(p.output(), "DATA RACE") {
			t.Errorf("data race in %s:\n%s", path, p.output())
		}
	})
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// maxWait is the time limit for an event in a failing test. It is not a
// property of the service: on a busy computer a worker takes many seconds to
// start. A test of one of the service's time limits sets the worker's other
// limits so far apart that the order of events decides.
const maxWait = time.Minute

// wait returns the exit status. It fails the test if the process does not end.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(maxWait):
		require.FailNow(p.t, "the process did not end", "within %s; its output:\n%s", maxWait, p.output())
		return 0
	}
}

// await waits until condition holds.
func await(t *testing.T, condition func() bool, what ...any) {
	t.Helper()
	for end := time.Now().Add(maxWait); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			require.FailNow(t, "it did not happen within "+maxWait.String(), what...)
		}
	}
}

// awaitOutput waits until the process has written s.
func (p *process) awaitOutput(s string) {
	p.t.Helper()
	await(p.t, func() bool { return strings.Contains(p.output(), s) }, "no %q in:\n%s", s, lazy(p.output))
}

// lazy is a text that is computed when a failure is printed.
type lazy func() string

func (l lazy) String() string { return l() }

// worker starts "api serve" and waits until it is ready.
func worker(t *testing.T, stdin *os.File, env ...string) *process {
	t.Helper()
	p := unready(t, stdin, env...)
	p.awaitReady()
	return p
}

// unready starts "api serve" without waiting for its readiness.
func unready(t *testing.T, stdin *os.File, env ...string) *process {
	t.Helper()
	admin := filepath.Join(socketDir(t), "admin.sock")
	p := launch(t, binary, []string{"serve"}, append([]string{"ADMIN_SOCKET=" + admin}, env...), stdin)
	p.admin, p.ready = admin, "/ready"
	for _, one := range env {
		if path, ok := strings.CutPrefix(one, "READY_PATH="); ok {
			p.ready = path
		}
	}
	return p
}

func (p *process) awaitReady() {
	p.t.Helper()
	await(p.t, func() bool {
		select {
		case <-p.exited:
			require.FailNow(p.t, "the worker ended", p.output())
		default:
		}
		return status.Probe(p.t.Context(), p.admin, p.ready) == nil
	}, "the worker is not ready:\n%s", lazy(p.output))
}

func (p *process) status() status.Worker {
	p.t.Helper()
	var w status.Worker
	await(p.t, func() bool {
		select {
		case <-p.exited:
			require.FailNow(p.t, "the worker ended", p.output())
		default:
		}
		return status.Read(p.t.Context(), p.admin, &w) == nil
	}, "the worker does not answer")
	return w
}

// socketDir returns a temporary directory with a short path: a Unix socket's
// path is limited to 107 bytes, which a long test's name could exceed.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// sharedSocket opens a listening socket as supervisord does for an
// fcgi-program, and returns its address and a file to pass on. Like
// supervisord, the test keeps it open.
func sharedSocket(t *testing.T) (string, *os.File) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f, err := l.(*net.TCPListener).File()
	require.NoError(t, err)
	require.NoError(t, l.Close())
	t.Cleanup(func() { _ = f.Close() })
	local, err := syscall.Getsockname(int(f.Fd()))
	require.NoError(t, err)
	return fmt.Sprintf("127.0.0.1:%d", local.(*syscall.SockaddrInet4).Port), f
}

// freePort returns a port without a listener. It is below the range for
// outgoing connections, because a connection of another test could take a port
// in that range before the worker does.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		require.NoError(t, l.Close())
		return port
	}
	require.FailNow(t, "no port is free")
	return 0
}

// get sends one request on its own connection.
func get(t *testing.T, url string) (reply, string) {
	t.Helper()
	res, body, err := fetch(t.Context(), url)
	require.NoError(t, err)
	return res, body
}

func fetch(ctx context.Context, url string) (reply, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return reply{}, "", err
	}
	req.Close = true
	res, err := (&http.Client{Timeout: maxWait}).Do(req)
	if err != nil {
		return reply{}, "", err
	}
	return replied(res)
}

// reply is a response whose body has been read and closed.
type reply struct {
	StatusCode int
	Header     http.Header
	// Close reports that the server asked the client to close the connection.
	Close bool
}

func replied(res *http.Response) (reply, string, error) {
	b, err := io.ReadAll(res.Body)
	if closed := res.Body.Close(); err == nil {
		err = closed
	}
	return reply{res.StatusCode, res.Header, res.Close}, string(b), err
}

// requireProgram fails the test if a Debian package is missing, because a
// skipped test could hide a failure.
func requireProgram(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	require.NoError(t, err, "this test needs %s; install it with: apt-get install %s", name, pkg)
	return path
}
