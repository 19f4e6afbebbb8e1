package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"escala/cloudinit/agent"
	"escala/service"
)

// preflightTimeout is the time limit for an answer of a release in its preflight.
const preflightTimeout = 5 * time.Second

// preflight is a process that runs a release beside the workers.
type preflight struct {
	cmd          *exec.Cmd
	serve, admin string
	// port is the preflight's port, and release its release, for a program without
	// escala's runtime. Otherwise port is 0.
	port    int
	release service.ReleaseID
	output  *lastBytes
	done    chan struct{}
	status  int
	closing sync.Once
}

var _ agent.Preflight = (*preflight)(nil)

// Try starts a release as the service's user. The kernel kills it when the agent
// dies.
func (w Workers) Try(ctx context.Context, program string) (agent.Preflight, error) {
	if err := w.awaitPackages(ctx); err != nil {
		return nil, err
	}
	t := &preflight{
		serve: w.Root.path(adminFolder + "/preflight.sock"), admin: w.Root.path(adminFolder + "/preflight-admin.sock"),
		output: &lastBytes{}, done: make(chan struct{}),
	}
	o := own{worker: w.Config.Workers, listen: "unix:" + t.serve, admin: t.admin}
	if w.Config.Runtime == service.RuntimeNone {
		var err error
		if t.port, err = freePort(ctx); err != nil {
			return nil, fmt.Errorf("looking for a free port: %w", err)
		}
		t.release = w.Root.release(w.Root.path(program) + "/")
		o = own{worker: w.Config.Workers, host: loopback, port: strconv.Itoa(t.port)}
	}
	environment, err := w.Root.environment(o)
	if err != nil {
		return nil, err
	}
	start, err := startOf(w.Config, w.Root.path(program), w.Root.path(program))
	if err != nil {
		// The command's program does not exist: the release is faulty.
		fmt.Fprintln(t.output, err)
		t.status = 127
		close(t.done)
		t.cmd = &exec.Cmd{}
		return t, nil
	}
	t.removeSockets()
	attributes, err := asUser(w.Config.User)
	if err != nil {
		return nil, err
	}
	attributes.Setpgid = true
	endWithParent(attributes)
	// The process outlives ctx until Close returns, so it does not use
	// CommandContext.
	t.cmd = exec.Command(start.path, start.args[1:]...) //nolint:noctx // see above
	t.cmd.Env, t.cmd.Dir, t.cmd.SysProcAttr = environment, start.folder, attributes
	t.cmd.Stdout, t.cmd.Stderr = t.output, t.output
	// A child of the process may hold its output open.
	t.cmd.WaitDelay = time.Second
	if err := t.cmd.Start(); err != nil {
		var system *os.PathError
		if errors.As(err, &system) && !errors.Is(err, syscall.ENOEXEC) && !errors.Is(err, syscall.EACCES) {
			return nil, fmt.Errorf("starting it: %w", err)
		}
		// If the binary cannot be executed, the release is faulty.
		fmt.Fprintln(t.output, err)
		t.status = 126
		close(t.done)
		return t, nil
	}
	go func() {
		_ = t.cmd.Wait()
		t.status = exitStatus(t.cmd.ProcessState)
		close(t.done)
	}()
	return t, nil
}

// Limits of the wait for the packages that a program needs.
const (
	packagesTimeout = 10 * time.Minute
	packagesEvery   = 200 * time.Millisecond
)

// awaitPackages waits until the machine's setup has installed the program's
// packages. A new machine starts its agent before that.
func (w Workers) awaitPackages(ctx context.Context) error {
	if !w.Config.Packages {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, packagesTimeout)
	defer cancel()
	for {
		if _, err := os.Stat(w.Root.path(SetUpFile)); err == nil {
			return nil
		}
		if err := (Clock{}).Sleep(ctx, packagesEvery); err != nil {
			return fmt.Errorf("waiting for the packages of service.packages, which the setup installs: %w", err)
		}
	}
}

// freePort returns a port on which no process listens now.
func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", loopbackPort(0))
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// exitStatus returns the status in a shell's form.
func exitStatus(s *os.ProcessState) int {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}

func (t *preflight) AskAdmin(ctx context.Context, path string) agent.Answer {
	if t.port != 0 {
		return askPort(ctx, t.port, path, t.release, preflightTimeout)
	}
	return ask(ctx, t.admin, path, preflightTimeout)
}

func (t *preflight) Ask(ctx context.Context, path string) agent.Answer {
	if t.port != 0 {
		return t.AskAdmin(ctx, path)
	}
	return ask(ctx, t.serve, path, preflightTimeout)
}

func (t *preflight) Ended() (int, bool) {
	select {
	case <-t.done:
		return t.status, true
	default:
		return 0, false
	}
}

func (t *preflight) Terminate() {
	if _, ended := t.Ended(); !ended {
		_ = t.cmd.Process.Signal(syscall.SIGTERM)
	}
}

func (t *preflight) Close() {
	t.closing.Do(func() {
		if t.cmd.Process != nil {
			// The signal goes to the process group, so it reaches the children
			// too.
			_ = syscall.Kill(-t.cmd.Process.Pid, syscall.SIGKILL)
		}
		<-t.done
		t.removeSockets()
	})
}

func (t *preflight) removeSockets() {
	_ = os.Remove(t.serve)
	_ = os.Remove(t.admin)
}

func (t *preflight) LastLines() string { return t.output.lastLines(outputLines) }

// lastBytes stores the last bytes that are written to it.
type lastBytes struct {
	mu      sync.Mutex
	content []byte
}

func (l *lastBytes) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(p) >= outputBytes {
		l.content = append(l.content[:0], p[len(p)-outputBytes:]...)
		return len(p), nil
	}
	if over := len(l.content) + len(p) - outputBytes; over > 0 {
		l.content = append(l.content[:0], l.content[over:]...)
	}
	l.content = append(l.content, p...)
	return len(p), nil
}

func (l *lastBytes) lastLines(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return lastLines(l.content, n)
}
