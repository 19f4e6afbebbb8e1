package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"escala/cloudinit/agent"
)

const (
	// runnerBegun is the text that a runner prints once it has recorded its run.
	runnerBegun = "begun"
	// runnerMiB is the memory of a runner beside its command's.
	runnerMiB = 32
	// commandGrace is the time between SIGTERM and SIGKILL for a command that takes
	// too long, or when the machine is shut down.
	commandGrace = 10 * time.Second
)

// RunCommand runs the ordered release command to its end and records its result. It
// never runs the same run twice. The end of ctx means that the machine is shutting
// down.
func (r Root) RunCommand(ctx context.Context, output io.Writer) error {
	config, err := r.Config()
	if err != nil {
		return err
	}
	lock, err := r.lockCommand()
	if err != nil {
		return err
	}
	defer lock.Close()
	ordered, err := readRecord[order](r.path(commandOrder))
	if err != nil {
		return err
	}
	started, err := readRecord[agent.CommandRun](r.path(commandStarted))
	if err != nil {
		return err
	}
	ended, err := readRecord[result](r.path(commandResult))
	if err != nil {
		return err
	}
	if ordered.Release == "" || started == ordered.CommandRun || ended.CommandRun == ordered.CommandRun {
		return errors.New("this run was started before")
	}
	if err := writeRecord(r.path(commandStarted), ordered.CommandRun); err != nil {
		return err
	}
	fmt.Fprintln(output, runnerBegun)
	end := r.runCommand(ctx, config.Config, ordered.Program)
	// The disk may be full for a moment. Without a result, the run is interrupted.
	for try := 0; ; try++ {
		if err = writeRecord(r.path(commandResult), result{ordered.CommandRun, end}); err == nil || try == 10 || ctx.Err() != nil {
			return err
		}
		time.Sleep(time.Second)
	}
}

// runCommand runs the command as the service's user with its environment.
func (r Root) runCommand(ctx context.Context, config agent.Config, program string) agent.CommandEnd {
	failed := func(err error) agent.CommandEnd {
		return agent.CommandEnd{Status: 127, Reason: agent.CommandNotStarted, Output: err.Error()}
	}
	// The workers' environment, without what differs between workers.
	environment, err := r.environment(own{worker: noWorker})
	if err != nil {
		return failed(err)
	}
	start, err := commandOf(config, config.ReleaseCommand, program)
	if err != nil {
		return failed(err)
	}
	attributes, err := asUser(config.User)
	if err != nil {
		return failed(err)
	}
	attributes.Setpgid = true
	endWithParent(attributes)
	output := &lastBytes{}
	cmd := exec.Command(start.path, start.args[1:]...) //nolint:noctx // it is told to end before it is killed
	cmd.Args[0] = start.args[0]
	cmd.Env, cmd.Dir, cmd.SysProcAttr = environment, start.folder, attributes
	// The journal gets all of the output. A command must not end because the journal
	// does.
	cmd.Stdout = io.MultiWriter(output, errorIgnorer{os.Stderr})
	cmd.Stderr = cmd.Stdout
	// A child of the command may hold its output open.
	cmd.WaitDelay = time.Second
	endDescendants := adoptDescendants()
	if err := cmd.Start(); err != nil {
		return failed(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	var reason agent.CommandReason
	timeout := time.NewTimer(time.Duration(config.ReleaseTimeout))
	defer timeout.Stop()
	select {
	case <-done:
	case <-timeout.C:
		reason = agent.CommandTimedOut
	case <-ctx.Done():
		reason = agent.CommandShutDown
	}
	if reason != "" {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		grace := time.NewTimer(commandGrace)
		defer grace.Stop()
		select {
		case <-done:
		case <-grace.C:
		}
	}
	// The command's children end with it.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	r.killCgroup()
	<-done
	endDescendants()
	end := agent.CommandEnd{Status: exitStatus(cmd.ProcessState), Reason: reason, Output: output.lastLines(outputLines)}
	switch {
	case end.Status == 0 && reason == agent.CommandShutDown:
		end.Reason = "" // it was done in time
	case reason == "" && end.Status != 0 && outOfMemory():
		end.Reason = agent.CommandOutOfMemory
	}
	return end
}

// errorIgnorer is a writer that ignores errors.
type errorIgnorer struct{ io.Writer }

func (c errorIgnorer) Write(p []byte) (int, error) {
	_, _ = c.Writer.Write(p)
	return len(p), nil
}

// commandOf returns how to start a command of a release beside the one that
// serves. program is the release's binary, or the folder of its files. A command
// whose first word is the service's name is the release's own program.
func commandOf(config agent.Config, command []string, program string) (started, error) {
	info, err := os.Stat(program)
	if err != nil {
		return started{}, fmt.Errorf("starting the command: %w", err)
	}
	s := started{folder: program, args: command}
	if !info.IsDir() {
		s.folder = filepath.Dir(program)
	}
	name := command[0]
	own := filepath.Join(s.folder, config.Name)
	if _, err := os.Stat(own); err == nil && name == config.Name {
		s.path = own
		return s, nil
	}
	if !strings.Contains(name, "/") {
		if s.path, err = exec.LookPath(name); err != nil {
			return started{}, fmt.Errorf("starting the command: %w", err)
		}
		return s, nil
	}
	s.path = filepath.Join(s.folder, name)
	return s, nil
}
