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

// stack is a whole system that serves: what manages the workers, the workers,
// and Nginx if it has one.
type stack interface {
	// name for people, the same in every table.
	name() string
	// start returns when all workers answer.
	start(ctx context.Context) error
	// stop ends everything that start started.
	stop()
	// direct are the workers' addresses: the common one, or each one's own.
	direct() []string
	// proxied is Nginx's address, none without Nginx.
	proxied() []string
	// roots are the processes from which all others of the stack descend.
	roots() []int
	// manager is the process that starts the workers.
	manager() int
	// reload replaces all workers, as this stack's operator would.
	reload(ctx context.Context) error
}

// freePorts are n ports in a row on which nothing listens.
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

// local is an address on loopback.
func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// inRow are n addresses on loopback, from a port on.
func inRow(port, n int) []string {
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = local(port + i)
	}
	return addresses
}

// answers waits until address answers "/" with the greeting.
func answers(ctx context.Context, address string, patience, pause time.Duration) error {
	began := time.Now()
	for {
		err := closedloop.Ask(ctx, address)
		if err == nil {
			return nil
		}
		if time.Since(began) > patience || ctx.Err() != nil {
			return fmt.Errorf("waiting for %s: %w", address, errors.Join(err, ctx.Err()))
		}
		time.Sleep(pause)
	}
}

// daemon is a process in the foreground that is ours to end.
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

// end asks the process to end, and after a while makes it and its group.
func (d *daemon) end(signal syscall.Signal, patience time.Duration) {
	_ = d.cmd.Process.Signal(signal)
	select {
	case <-d.done:
	case <-time.After(patience):
	}
	_ = syscall.Kill(-d.pid(), syscall.SIGKILL)
	<-d.done
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
