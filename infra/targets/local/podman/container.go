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

// Container is the configuration of a container for Run.
type Container struct {
	Name string
	// RootFS is the folder of the container's root file system. It stays unchanged:
	// the container writes to an overlay that is removed with the container.
	RootFS string
	// Network is the network's name, or "host".
	Network string
	// IP is the container's address in Network. It is empty for a container without
	// an address of its own.
	IP string
	// Systemd prepares the container for systemd as /sbin/init.
	Systemd bool
	// ReadOnly and Writable map host folders to container paths.
	ReadOnly, Writable map[string]string
	// Capabilities are added to podman's default ones ("NET_ADMIN").
	Capabilities []string
	// OpenFiles is the limit on open files. The host's limit applies if that is
	// lower.
	OpenFiles int
	Command   []string
}

// Run starts a container that restarts when its process ends, as a machine does
// after a reboot. A container that fails to start is removed.
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
	for from, to := range c.Writable {
		args = append(args, "--volume", from+":"+to)
	}
	args = append(args, "--ulimit", "nproc=4096:4096", "--rootfs", c.RootFS+":O")
	args = append(args, c.Command...)
	if err := p.runLocked(ctx, args...); err != nil {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		_ = p.Remove(cleanup, c.Name, 0)
		return err
	}
	return nil
}

// openFiles returns want, or this process' limit if that is lower. Podman's own
// default is higher than some hosts allow even root, and podman then fails.
func openFiles(want int) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return want
	}
	return int(min(uint64(want), limit.Max))
}

// Status is the state of a container.
type Status struct {
	Exists  bool
	Running bool
	IP      string
	// PID is the id of the container's first process on the host.
	PID int
	// Command is the command that the container runs.
	Command []string
}

// Inspect returns a container's state. A container that does not exist is not
// an error.
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
		if err := p.reportExit(found[0].ID); err != nil {
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
	return p.runLocked(ctx, "start", name)
}

// Restart restarts a container. For a machine, this is a reboot.
func (p Podman) Restart(ctx context.Context, name string, grace time.Duration) error {
	return p.runLocked(ctx, "restart", "--time", strconv.Itoa(int(grace.Seconds())), name)
}

// Remove stops a container and removes it. The container has grace to end by
// itself. A container that does not exist is not an error.
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

// Attach runs a command in a container on the given streams. The command has a
// terminal if stdin is a terminal.
func (p Podman) Attach(ctx context.Context, name string, stdin *os.File, stdout, stderr io.Writer, command ...string) error {
	args := []string{"exec", "--interactive"}
	if info, err := stdin.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		args = append(args, "--tty")
	}
	cmd := p.command(ctx, append(append(args, name), command...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	return cmd.Run()
}
