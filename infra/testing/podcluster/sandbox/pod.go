//go:build linux

package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// Runtime starts pods and containers.
type Runtime struct {
	// Network connects pods.
	Network *Network

	helper string
	memory memory
}

// NewRuntime builds, in folder, the program that becomes a container.
func NewRuntime(ctx context.Context, root, folder string, network *Network) (*Runtime, error) {
	helper := filepath.Join(folder, "container")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", helper, "./infra/testing/podcluster/sandbox/container")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the program that starts containers: %w\n%s", err, out)
	}
	return &Runtime{Network: network, helper: helper, memory: findMemory()}, nil
}

// LimitsMemory reports whether this computer limits the memory of containers.
func (r *Runtime) LimitsMemory() bool { return r.memory.parent != "" }

// Pod is the network of a pod.
type Pod struct {
	// Address is the pod's own address.
	Address netip.Addr

	runtime *Runtime
	pause   *exec.Cmd
	end     io.Closer
}

// StartPod creates the network of a pod.
func (r *Runtime) StartPod(ctx context.Context) (*Pod, error) {
	address, err := r.Network.next()
	if err != nil {
		return nil, err
	}
	cmd, err := r.command(Spec{Pause: true})
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
	end, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a pod: %w", err)
	}
	if err := start(cmd); err != nil {
		return nil, fmt.Errorf("starting a pod: %w", err)
	}
	p := &Pod{Address: address, runtime: r, pause: cmd, end: end}
	if err := r.Network.connect(ctx, cmd.Process.Pid, address); err != nil {
		return nil, errors.Join(fmt.Errorf("connecting a pod: %w", err), p.Stop())
	}
	return p, nil
}

// Stop removes the pod's network. Its containers must have ended.
func (p *Pod) Stop() error {
	if err := p.end.Close(); err != nil {
		return fmt.Errorf("ending a pod: %w", err)
	}
	if err := p.pause.Wait(); err != nil {
		return fmt.Errorf("ending a pod: %w", err)
	}
	return nil
}

// command returns the command of a container.
func (r *Runtime) command(spec Spec) (*exec.Cmd, error) {
	content, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("describing a container: %w", err)
	}
	cmd := exec.Command(r.helper) //nolint:noctx // its owner ends it
	cmd.Env = []string{SpecVariable + "=" + string(content)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, nil
}

// start starts the command and returns when its program runs. The error is the
// reason why it does not run.
func start(cmd *exec.Cmd) error {
	failed, report, err := os.Pipe()
	if err != nil {
		return err
	}
	defer failed.Close()
	cmd.ExtraFiles = []*os.File{report}
	err = cmd.Start()
	_ = report.Close()
	if err != nil {
		return err
	}
	reason, err := io.ReadAll(failed)
	if err == nil && len(reason) == 0 {
		return nil
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		return err
	}
	return errors.New(string(reason))
}

// Container is a running or ended program.
type Container struct {
	// PID is the process id as this process sees it.
	PID int
	// Done is closed when the program has ended.
	Done chan struct{}

	limit  string // control group
	status syscall.WaitStatus
	oom    bool
	memory memory
}

// Start runs a container in the pod. bytes limits its memory. 0 means no limit. The
// container's output goes to out.
func (p *Pod) Start(spec Spec, bytes int64, out io.Writer) (*Container, error) {
	spec.Network = p.pause.Process.Pid
	c := &Container{Done: make(chan struct{}), memory: p.runtime.memory}
	var err error
	if c.limit, err = p.runtime.memory.group(strconv.Itoa(os.Getpid())+"-"+spec.Hostname, bytes); err != nil {
		return nil, err
	}
	spec.Memory = c.limit
	cmd, err := p.runtime.command(spec)
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC
	cmd.Stdout, cmd.Stderr = out, out
	if err := start(cmd); err != nil {
		c.memory.remove(c.limit)
		return nil, err
	}
	c.PID = cmd.Process.Pid
	go func() {
		defer close(c.Done)
		// The status holds the result.
		_ = cmd.Wait()
		c.status, _ = cmd.ProcessState.Sys().(syscall.WaitStatus)
		c.oom = c.memory.exceeded(c.limit)
		c.memory.remove(c.limit)
	}()
	return c, nil
}

// Signal sends a signal to the container's program. It has no effect after the
// program has ended.
func (c *Container) Signal(s syscall.Signal) {
	select {
	case <-c.Done:
	default:
		_ = syscall.Kill(c.PID, s)
	}
}

// ExitCode returns the exit code, or 128 plus the signal. Done must be closed.
func (c *Container) ExitCode() int {
	if c.status.Signaled() {
		return 128 + int(c.status.Signal())
	}
	return c.status.ExitStatus()
}

// OutOfMemory reports whether the container was killed at its memory limit. Done
// must be closed.
func (c *Container) OutOfMemory() bool { return c.oom && c.ExitCode() == 128+int(syscall.SIGKILL) }

// Exec runs a command in the container, as its user.
func (c *Container) Exec(ctx context.Context, user, group int, command ...string) ([]byte, error) {
	args := append([]string{
		"--target", strconv.Itoa(c.PID), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd",
		"--setuid", strconv.Itoa(user), "--setgid", strconv.Itoa(group), "--",
	}, command...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return out, fmt.Errorf("running %s in a container: %w", command[0], err)
	}
	return out, nil
}
