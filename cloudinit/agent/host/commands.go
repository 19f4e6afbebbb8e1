package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/store"
)

// Files of release commands. The folder is in memory, so everything in it was
// written since the machine's boot. The result is on the disk.
const (
	commandFolder = "/run/escala-command"
	// commandOrder tells the next runner what to run.
	commandOrder = commandFolder + "/order.json"
	// commandLock is locked while a runner runs.
	commandLock = commandFolder + "/lock"
	// commandStarted holds the run that was started last.
	commandStarted = commandFolder + "/started.json"
	commandResult  = "/var/lib/escala/command.json"
)

// order is the content of commandOrder. Program is the release's binary, or the
// folder of its files.
type order struct {
	agent.CommandRun
	Program string `json:"program"`
}

// result is the content of commandResult.
type result struct {
	agent.CommandRun
	End agent.CommandEnd `json:"end"`
}

// Commands runs release commands in a process of their own, a runner, which
// outlives the agent.
type Commands struct {
	Root   Root
	Config agent.Config
}

var _ agent.Commands = Commands{}

// Boot returns the kernel's id of the boot.
func (Commands) Boot() string { return kernelBootID() }

// Last returns the last run.
func (c Commands) Last(context.Context) (agent.CommandState, error) {
	// The lock is checked first: once it is free, the files of its runner are
	// complete.
	lock, err := c.Root.lockCommand()
	running := errors.Is(err, errCommandRuns)
	if err != nil && !running {
		return agent.CommandState{}, err
	}
	if lock != nil {
		defer lock.Close()
	}
	started, err := readRecord[agent.CommandRun](c.Root.path(commandStarted))
	if err != nil {
		return agent.CommandState{}, err
	}
	ended, err := readRecord[result](c.Root.path(commandResult))
	switch {
	case err != nil:
		return agent.CommandState{}, err
	case running:
		return agent.CommandState{CommandRun: started, Running: true}, nil
	case ended.Release != "" && (started.Release == "" || started == ended.CommandRun):
		return agent.CommandState{CommandRun: ended.CommandRun, End: &ended.End}, nil
	}
	return agent.CommandState{CommandRun: started}, nil
}

// startTimeout is the time that a runner has to begin.
const startTimeout = 20 * time.Second

// Start starts a runner and waits until it has begun. The runner is in a cgroup of
// its own with the memory of one worker, if systemd can make one.
func (c Commands) Start(ctx context.Context, run agent.CommandRun, program string) error {
	if err := os.MkdirAll(c.Root.path(commandFolder), 0o700); err != nil {
		return fmt.Errorf("starting the release command: %w", err)
	}
	if err := writeRecord(c.Root.path(commandOrder), order{run, c.Root.path(program)}); err != nil {
		return fmt.Errorf("starting the release command: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("starting the release command: %w", err)
	}
	if c.Root != "" {
		self = c.Root.path(agentPath)
	}
	args := []string{self, "command"}
	if _, err := os.Stat("/run/systemd/system"); err == nil && c.Root == "" {
		args = append([]string{
			"systemd-run", "--scope", "--quiet", "--collect",
			"--property=MemoryMax=" + strconv.Itoa(c.Config.MemoryMiB+runnerMiB) + "M", "--property=MemorySwapMax=0", "--",
		}, args...)
	}
	// The runner outlives ctx and this process.
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx // see above
	cmd.Env = append(os.Environ(), "ESCALA_ROOT="+string(c.Root))
	cmd.Dir, cmd.Stderr = "/", os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting the release command: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the release command: %w", err)
	}
	output := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		output <- strings.TrimSpace(line)
		_ = cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case line := <-output:
		if line != runnerBegun {
			return fmt.Errorf("starting the release command: its runner reports %q", line)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("starting the release command: its runner has not begun: %w", ctx.Err())
	}
}

var errCommandRuns = errors.New("a release command runs already")

// lockCommand locks commandLock. The lock lasts as long as the file is open, which
// no command inherits. It returns errCommandRuns if another process has it.
func (r Root) lockCommand() (*os.File, error) {
	if err := os.MkdirAll(r.path(commandFolder), 0o700); err != nil {
		return nil, fmt.Errorf("looking at the release command: %w", err)
	}
	f, err := os.OpenFile(r.path(commandLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("looking at the release command: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errCommandRuns
		}
		return nil, fmt.Errorf("looking at the release command: %w", err)
	}
	return f, nil
}

// readRecord reads a file. It returns the zero value if there is none, or a torn
// one.
func readRecord[T any](path string) (T, error) {
	var v, none T
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("reading %s: %w", path, err)
	}
	if json.Unmarshal(content, &v) != nil {
		return none, nil //nolint:nilerr // a torn file counts as none
	}
	return v, nil
}

// writeRecord replaces a file that only root reads.
func writeRecord(path string, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	return store.WriteFile(path, 0o600, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
