package pm2

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"escala/infra/testing/bench/closedloop"
)

// stack is a complete serving system: the manager of the workers, the workers,
// and Nginx if it has one.
type stack interface {
	// name returns the display name, the same in every table.
	name() string
	// start returns when all workers answer.
	start(ctx context.Context) error
	// stop ends all processes of the stack.
	stop()
	// direct returns the workers' addresses: the shared one, or one per worker.
	direct() []string
	// proxied returns Nginx's address. It is empty without Nginx.
	proxied() []string
	// roots returns the processes from which all others of the stack descend.
	roots() []int
	// manager returns the process that starts the workers.
	manager() int
	// reload replaces all workers as this stack's operator would.
	reload(ctx context.Context) error
}

// freePorts returns the first of n consecutive free ports.
func freePorts(ctx context.Context, n int) (int, error) {
	for base := 20000 + os.Getpid()%10000; base < 60000; base += n {
		free := true
		for port := base; port < base+n && free; port++ {
			l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				free = false
				break
			}
			if err := l.Close(); err != nil {
				return 0, fmt.Errorf("finding ports: %w", err)
			}
		}
		if free {
			return base, nil
		}
	}
	return 0, errors.New("finding ports: none are free")
}

// local returns a loopback address.
func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// inRow returns n consecutive loopback addresses, beginning at port.
func inRow(port, n int) []string {
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = local(port + i)
	}
	return addresses
}

// answers waits until address answers "/" with the greeting.
func answers(ctx context.Context, address string, timeout, pause time.Duration) error {
	began := time.Now()
	for {
		err := closedloop.Ask(ctx, address)
		if err == nil {
			return nil
		}
		if time.Since(began) > timeout || ctx.Err() != nil {
			return fmt.Errorf("waiting for %s: %w", address, errors.Join(err, ctx.Err()))
		}
		time.Sleep(pause)
	}
}

// daemon is a foreground process. Its owner must end it.
type daemon struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// launch starts cmd in a process group of its own.
func launch(cmd *exec.Cmd) (*daemon, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	d := &daemon{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(d.done)
	}()
	return d, nil
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// end signals the process and waits for at most timeout. Then it kills the
// process group.
func (d *daemon) end(signal syscall.Signal, timeout time.Duration) {
	_ = d.cmd.Process.Signal(signal)
	select {
	case <-d.done:
	case <-time.After(timeout):
	}
	_ = syscall.Kill(-d.pid(), syscall.SIGKILL)
	<-d.done
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
