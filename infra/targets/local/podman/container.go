package podman

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Container is a container to run.
type Container struct {
	Name string
	// RootFS is the folder of its root file system. It is not written to: the
	// container's changes go to an overlay that is removed with it.
	RootFS string
	// Network is the network's name, or "host".
	Network string
	// IP is the container's address in Network, or "" for none of its own.
	IP string
	// Systemd makes the container a machine: /sbin/init may be systemd.
	Systemd bool
	// ReadOnly mounts host folders: host path → container path.
	ReadOnly map[string]string
	// Capabilities are more than podman gives by itself ("NET_ADMIN").
	Capabilities []string
	// OpenFiles is the limit on open files, if this computer allows as many.
	OpenFiles int
	Command   []string
}

// Run starts a container that comes back by itself when its process ends (as a
// machine does after a reboot). A container that could not be started is
// removed again.
func (p Podman) Run(ctx context.Context, c Container) error {
	args := []string{"run", "--detach", "--name", c.Name, "--network", c.Network, "--restart", "always"}
	if c.IP != "" {
		args = append(args, "--ip", c.IP)
	}
	if c.Systemd {
		args = append(args, "--systemd", "always", "--hostname", c.Name)
	}
	for _, capability := range c.Capabilities {
		args = append(args, "--cap-add", capability)
	}
	files := openFiles(c.OpenFiles)
	args = append(args, "--ulimit", fmt.Sprintf("nofile=%d:%d", files, files))
	for from, to := range c.ReadOnly {
		args = append(args, "--volume", from+":"+to+":ro")
	}
	args = append(args, "--ulimit", "nproc=4096:4096", "--rootfs", c.RootFS+":O")
	args = append(args, c.Command...)
	if _, err := p.run(ctx, args...); err != nil {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		_ = p.Remove(cleanup, c.Name, 0)
		return err
	}
	return nil
}

// openFiles is want, or what this process may have if that is less: podman's
// own default is above what some hosts allow even root, and then fails.
func openFiles(want int) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return want
	}
	return int(min(uint64(want), limit.Max))
}

// Status is what a container is doing.
type Status struct {
	Exists  bool
	Running bool
	IP      string
	// PID is its first process, by this computer's numbers.
	PID int
	// Command is what it was told to run.
	Command []string
}

// Inspect looks at a container; one that does not exist is not an error.
func (p Podman) Inspect(ctx context.Context, name string) (Status, error) {
	if _, err := os.Stat(p.Folder); os.IsNotExist(err) {
		return Status{}, nil
	}
	out, err := p.run(ctx, "container", "inspect", name)
	if notFound(err) {
		return Status{}, nil
	}
	if err != nil {
		return Status{}, err
	}
	var found []struct {
		ID    string `json:"Id"`
		State struct {
			Running bool
			Pid     int
		}
		Config          struct{ Cmd []string }
		NetworkSettings struct {
			Networks map[string]struct{ IPAddress string }
		}
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) != 1 {
		return Status{}, fmt.Errorf("reading what podman says of container %s: %w", name, err)
	}
	s := Status{Exists: true, Running: found[0].State.Running, Command: found[0].Config.Cmd, PID: found[0].State.Pid}
	if s.Running && !alive(s.PID, found[0].ID) {
		s.Running = false
		if err := p.noticeExit(found[0].ID); err != nil {
			return Status{}, err
		}
	}
	for _, n := range found[0].NetworkSettings.Networks {
		s.IP = n.IPAddress
	}
	return s, nil
}

// Start starts a container that has stopped.
func (p Podman) Start(ctx context.Context, name string) error {
	_, err := p.run(ctx, "start", name)
	return err
}

// Restart restarts a container: for a machine, a reboot.
func (p Podman) Restart(ctx context.Context, name string, grace time.Duration) error {
	_, err := p.run(ctx, "restart", "--time", strconv.Itoa(int(grace.Seconds())), name)
	return err
}

// Remove stops a container, giving it grace to end by itself, and removes it.
// One that does not exist is not an error.
func (p Podman) Remove(ctx context.Context, name string, grace time.Duration) error {
	_, err := p.run(ctx, "stop", "--ignore", "--time", strconv.Itoa(int(grace.Seconds())), name)
	if err != nil && !notFound(err) {
		return err
	}
	if _, err = p.run(ctx, "rm", "--force", "--ignore", "--volumes", name); err != nil && !notFound(err) {
		return err
	}
	return nil
}

// Exec runs a command in a container and returns what it wrote to standard
// output.
func (p Podman) Exec(ctx context.Context, name string, command ...string) (string, error) {
	return p.run(ctx, append([]string{"exec", name}, command...)...)
}

// Attach runs a command in a container on the given streams, with a terminal if
// stdin is one.
func (p Podman) Attach(ctx context.Context, name string, stdin *os.File, stdout, stderr io.Writer, command ...string) error {
	args := []string{"exec", "--interactive"}
	if info, err := stdin.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		args = append(args, "--tty")
	}
	cmd := p.command(ctx, append(append(args, name), command...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	return cmd.Run()
}
