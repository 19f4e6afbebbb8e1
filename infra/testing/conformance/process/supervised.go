package process

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// command describes a program to run.
type command struct {
	path      string
	args, env []string
	log       string // file
}

// supervised restarts a program whenever it ends, as systemd does with
// Restart=always and RestartSec=100ms.
type supervised struct {
	command
	done chan struct{} // closed when the program is not restarted any more

	mu       sync.Mutex
	cmd      *exec.Cmd
	stopping bool
	failure  error

	// hung is locked while the program's output must not be read.
	hung sync.RWMutex
}

const restartPause = 100 * time.Millisecond

// supervise starts a program and keeps it running.
func supervise(c command) *supervised {
	k := &supervised{command: c, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		for k.runOnce() {
			time.Sleep(restartPause)
		}
	}()
	return k
}

// runOnce runs the program until it ends and reports whether to restart it.
func (k *supervised) runOnce() bool {
	k.mu.Lock()
	if k.stopping {
		k.mu.Unlock()
		return false
	}
	output, err := k.output()
	if err != nil {
		k.failure = err
		k.mu.Unlock()
		return false
	}
	cmd := exec.Command(k.path, k.args...) //nolint:noctx // it outlives any context: stop ends it
	// The environment is minimal, so that this computer's settings do not
	// influence the measurement.
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, k.env...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	_ = output.Close() // the program has its own
	k.cmd = cmd
	k.mu.Unlock()
	if err != nil {
		return true
	}
	_ = cmd.Wait() // any exit status is fine
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.stopping
}

// signal sends a signal to the running program.
func (k *supervised) signal(s syscall.Signal) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cmd == nil || k.cmd.Process == nil {
		return fmt.Errorf("%s does not run", k.path)
	}
	if err := k.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("sending %s to %s: %w", s, k.path, err)
	}
	return nil
}

// stop ends the program for good. After limit it kills the program and returns
// an error.
func (k *supervised) stop(limit time.Duration) error {
	k.mu.Lock()
	k.stopping = true
	k.mu.Unlock()
	_ = k.signal(syscall.SIGTERM) // the program may just have ended
	select {
	case <-k.done:
		return k.failure
	case <-time.After(limit):
	}
	err := k.signal(syscall.SIGKILL)
	<-k.done
	if err != nil {
		return err
	}
	return fmt.Errorf("%s had not ended %s after SIGTERM", k.path, limit)
}

// lastLines returns the last lines of the program's output.
func (k *supervised) lastLines() string {
	text, err := os.ReadFile(k.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
