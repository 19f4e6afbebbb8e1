package cloudinit

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/host"
	"escala/service"
	"escala/service/machine"
)

// envKillFile makes this test program run one round of the agent. It kills
// itself at the first place that is not yet in the file.
const envKillFile = "TEST_KILL_FILE"

func TestMain(m *testing.M) {
	if file := os.Getenv(envKillFile); file != "" {
		if err := killedOnce(host.Root(os.Getenv("ESCALA_ROOT")), file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	agentProgram.remove()
	releaseProgram.remove()
	os.Exit(code)
}

// TestAgentSurvivesBeingKilledAtEveryStep checks rollouts in which the agent is
// killed before and after each of its calls of disk, store, supervisor and workers,
// until one rollout has no new place. Each run continues where the previous one was
// killed. The socket must answer throughout, and at the end the release must run.
func TestAgentSurvivesBeingKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	ran := filepath.Join(openFolder(t), "ran")
	b := newBench(t, func(s *service.Spec) {
		s.ReleaseCommand.Command = []string{"sh", "-c", "sleep 0.2; echo ran >>" + ran}
	})
	one, two := b.release(t, "one"), b.release(t, "two")
	b.point(t, one.Pointer())
	b.serves(t, b.runOnce(t), one)

	file := filepath.Join(t.TempDir(), "killed-at")
	kills := 0
	deadline := time.Now().Add(4 * time.Minute)
	// Each place kills once, so the last rollout is the whole one.
	for n, before := 0, -1; kills > before; n++ {
		wanted := service.Wanted{Release: []service.Release{two, one}[n%2], RequestedAt: int64(n + 1), Command: b.spec.ReleaseCommand.Digest()}
		before = kills
		// A release's command runs in each rollout, as if the release were a new one.
		require.NoError(t, os.RemoveAll(filepath.Join(b.root, "shared", "commands")))
		b.point(t, wanted.Pointer())
		for time.Now().Before(deadline) {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "ESCALA_ROOT="+b.root, envKillFile+"="+file)
			said, err := cmd.CombinedOutput()
			b.requireWhole(t)
			assert.Contains(t, []service.ReleaseID{one.ID, two.ID}, b.get(t), "after a kill")
			if err == nil {
				if s := b.status(t); s.Phase == machine.Serving && s.Current == wanted.ID {
					break
				}
				continue
			}
			require.Contains(t, err.Error(), "killed", "%s", said)
			kills++
		}
		require.True(t, time.Now().Before(deadline), "it did not get there in time")
		b.serves(t, b.runOnce(t), wanted.Release)
		lines, err := os.ReadFile(ran)
		require.NoError(t, err)
		require.Equal(t, n+1, strings.Count(string(lines), "\n"), "each rollout runs the release command once")
	}
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	t.Logf("killed %d times at:\n%s", kills, content)
	reached := killPoints(t, strings.Split(strings.TrimSpace(string(content)), "\n"))
	assert.Len(t, reached, kills, "each kill is at a place of its own")
	compareKillPoints(t, reached)
}

// killedOnce runs one round of an agent whose calls all go through a killer.
func killedOnce(root host.Root, file string) error {
	a, err := root.Agent()
	if err != nil {
		return err
	}
	k := killer(file)
	a.Disk, a.Store = killDisk{a.Disk, k}, killStore{a.Store, k}
	a.Shared, a.Commands = killShared{a.Shared, k}, killCommands{a.Commands, k}
	a.Supervisor, a.Workers = killSupervisor{a.Supervisor, k}, killWorkers{a.Workers, k}
	a.Round(context.Background())
	return nil
}

// killer is a file with the places of the kills so far.
type killer string

// at kills this process before or after a call, unless the file has the place
// already.
func (k killer) at(when string) {
	place := when + " " + caller()
	f, err := os.OpenFile(string(k), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if lines.Text() == place {
			return
		}
	}
	fmt.Fprintln(f, place)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// caller returns the agent's line that makes the call.
func caller() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "escala/cloudinit/agent.") {
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return "outside"
		}
	}
}

// killAround makes a call between two places.
func killAround[T any](k killer, call func() T) T {
	k.at("before")
	defer k.at("after")
	return call()
}

func around2[T any](k killer, call func() (T, error)) (T, error) {
	k.at("before")
	defer k.at("after")
	return call()
}

type killDisk struct {
	d agent.Disk
	k killer
}

func (d killDisk) Create(name string, mode fs.FileMode) (io.WriteCloser, error) {
	w, err := around2(d.k, func() (io.WriteCloser, error) { return d.d.Create(name, mode) })
	return killWriter{w, d.k}, err
}
func (d killDisk) Open(name string) (io.ReadCloser, error) { return d.d.Open(name) }
func (d killDisk) Sync(name string) error {
	return killAround(d.k, func() error { return d.d.Sync(name) })
}

func (d killDisk) Rename(from, to string) error {
	return killAround(d.k, func() error { return d.d.Rename(from, to) })
}

func (d killDisk) Symlink(target, name string) error {
	return killAround(d.k, func() error { return d.d.Symlink(target, name) })
}
func (d killDisk) Readlink(name string) (string, error) { return d.d.Readlink(name) }
func (d killDisk) Remove(name string) error {
	return killAround(d.k, func() error { return d.d.Remove(name) })
}

func (d killDisk) MakeFolder(name string) error {
	return killAround(d.k, func() error { return d.d.MakeFolder(name) })
}
func (d killDisk) List(name string) ([]agent.Entry, error) { return d.d.List(name) }
func (d killDisk) Touch(name string, when time.Time) error {
	return killAround(d.k, func() error { return d.d.Touch(name, when) })
}
func (d killDisk) Free(name string) (agent.Space, error) { return d.d.Free(name) }

// killWriter kills the process in the middle of a file.
type killWriter struct {
	io.WriteCloser
	k killer
}

func (w killWriter) Write(p []byte) (int, error) {
	n, err := w.WriteCloser.Write(p[:len(p)/2])
	if err != nil {
		return n, err
	}
	w.k.at("half way")
	m, err := w.WriteCloser.Write(p[len(p)/2:])
	return n + m, err
}

type killStore struct {
	agent.Store
	k killer
}

func (s killStore) Current(ctx context.Context) (service.Wanted, error) {
	return around2(s.k, func() (service.Wanted, error) { return s.Store.Current(ctx) })
}

func (s killStore) Copy(ctx context.Context, w io.Writer, r service.Release) error {
	return killAround(s.k, func() error { return s.Store.Copy(ctx, w, r) })
}

type killShared struct {
	agent.Shared
	k killer
}

func (s killShared) Write(ctx context.Context, key string, content []byte) error {
	return killAround(s.k, func() error { return s.Shared.Write(ctx, key, content) })
}

func (s killShared) Create(ctx context.Context, key string, content []byte) error {
	return killAround(s.k, func() error { return s.Shared.Create(ctx, key, content) })
}

type killCommands struct {
	agent.Commands
	k killer
}

func (c killCommands) Start(ctx context.Context, run agent.CommandRun, program string) error {
	return killAround(c.k, func() error { return c.Commands.Start(ctx, run, program) })
}

type killSupervisor struct {
	agent.Supervisor
	k killer
}

func (s killSupervisor) Slots(ctx context.Context) ([]agent.Slot, error) {
	return around2(s.k, func() ([]agent.Slot, error) { return s.Supervisor.Slots(ctx) })
}

func (s killSupervisor) Start(ctx context.Context, slot int) error {
	return killAround(s.k, func() error { return s.Supervisor.Start(ctx, slot) })
}

func (s killSupervisor) Stop(ctx context.Context, slot int) error {
	return killAround(s.k, func() error { return s.Supervisor.Stop(ctx, slot) })
}

func (s killSupervisor) HandOver(ctx context.Context) error {
	return killAround(s.k, func() error { return s.Supervisor.HandOver(ctx) })
}

type killWorkers struct {
	agent.Workers
	k killer
}

func (w killWorkers) Ask(ctx context.Context, slot int, path string) agent.Answer {
	return killAround(w.k, func() agent.Answer { return w.Workers.Ask(ctx, slot, path) })
}

func (w killWorkers) Try(ctx context.Context, binary string) (agent.Preflight, error) {
	t, err := around2(w.k, func() (agent.Preflight, error) { return w.Workers.Try(ctx, binary) })
	return killPreflight{t, w.k}, err
}

type killPreflight struct {
	agent.Preflight
	k killer
}

func (t killPreflight) Ask(ctx context.Context, path string) agent.Answer {
	return killAround(t.k, func() agent.Answer { return t.Preflight.Ask(ctx, path) })
}

func (t killPreflight) Terminate() {
	t.k.at("before")
	t.Preflight.Terminate()
	t.k.at("after")
}

func (t killPreflight) Close() {
	t.k.at("before")
	t.Preflight.Close()
	t.k.at("after")
}
