package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"escala/cloudinit/agent"
	"escala/service"
)

// RunUnit returns the unit of a task that is run by hand.
func RunUnit(name string) string { return "escala-run-" + name + ".service" }

// ErrTask is the error of a task that ran and ended with another status than 0.
type ErrTask struct{ Status int }

func (e ErrTask) Error() string { return fmt.Sprintf("it ended with status %d", e.Status) }

// endWait is longer than any task's time between SIGTERM and SIGKILL.
const endWait = time.Hour + time.Minute

// RunNow runs the command of a process or a schedule once, with its limits, in a
// unit of its own, on this terminal. It ends with the command: the error is
// ErrTask if its status is not 0. A signal to this process ends the command.
func (r Root) RunNow(ctx context.Context, name string) error {
	config, err := r.Config()
	if err != nil {
		return err
	}
	properties, err := r.limitsOf(config.Config, name)
	if err != nil {
		return err
	}
	args := []string{"--quiet", "--pipe", "--wait", "--collect", "--service-type=exec", "--unit=" + RunUnit(name)}
	for _, p := range properties {
		args = append(args, "--property="+p)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("running %s: %w", name, err)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	defer func() { _ = agent.EndHold(Disk(r), name) }()
	cmd := exec.CommandContext(ctx, "systemd-run", append(args, self, "run-task", name)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// If a signal of the terminal ended systemd-run itself, it would leave the unit
	// behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		_, err := systemctl(context.WithoutCancel(ctx), "stop", "--no-block", RunUnit(name))
		return err
	}
	cmd.WaitDelay = endWait
	err = cmd.Run()
	var status *exec.ExitError
	if errors.As(err, &status) {
		return ErrTask{exitStatus(status.ProcessState)}
	}
	if err != nil {
		return fmt.Errorf("running %s: %w", name, err)
	}
	return nil
}

// limitsOf returns the limits of a task as properties of its unit.
func (r Root) limitsOf(config agent.Config, name string) ([]string, error) {
	limits := func(memory int, stop agent.Duration) []string {
		return []string{
			"KillMode=mixed", "MemoryMax=" + strconv.Itoa(memory) + "M",
			"TimeoutStopSec=" + strconv.Itoa(service.Seconds(time.Duration(stop))),
		}
	}
	var known []string
	for _, p := range config.Processes {
		if p.Name == name {
			return limits(p.MemoryMiB, p.Stop), nil
		}
		known = append(known, p.Name)
	}
	for _, s := range config.Schedules {
		if s.Name == name {
			return append(limits(s.MemoryMiB, s.Stop), "RuntimeMaxSec="+strconv.Itoa(service.Seconds(time.Duration(s.Timeout)))), nil
		}
		known = append(known, s.Name)
	}
	return nil, fmt.Errorf("there is no process or schedule %q on this machine; it has %s", name, strings.Join(known, ", "))
}

// RunTask replaces this process by the command of a process or a schedule. It is
// the program of RunNow's unit.
func (r Root) RunTask(name string) error {
	config, err := r.Config()
	if err != nil {
		return err
	}
	release, err := agent.SettledRelease(Disk(r))
	if err != nil {
		return err
	}
	t := task{folder: r.path(path.Join(releasesFolder, string(release)))}
	for _, p := range config.Processes {
		if p.Name == name {
			t.command, t.memoryMiB = p.Command, p.MemoryMiB
		}
	}
	for _, s := range config.Schedules {
		if s.Name != name {
			continue
		}
		t.command, t.memoryMiB = s.Command, s.MemoryMiB
		alone, err := r.lockTask(name)
		if err != nil {
			return err
		}
		if !alone {
			return fmt.Errorf("a run of %s goes on; see: journalctl --unit %s", name, ScheduleUnit(name))
		}
	}
	if len(t.command) == 0 {
		return fmt.Errorf("this machine has no process or schedule %q", name)
	}
	if err := agent.HoldForRun(Disk(r), name, release, bootID(), time.Now()); err != nil {
		return err
	}
	return r.become(config.Config, t)
}
