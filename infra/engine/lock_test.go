package engine

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// leave writes a lock file as a CLI, or an earlier process of this program,
// does.
func leave(t *testing.T, s store, h Holder) {
	t.Helper()
	text, err := marshal(h)
	require.NoError(t, err)
	require.NoError(t, writeFile(filepath.Join(s.lockFolder(), "0e3b.json"), text))
}

func here(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	require.NoError(t, err)
	return name
}

// sleeping starts a process that runs until the test ends.
func sleeping(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sleep", "600")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// TestLockEndsThoughAChildHasTheFile checks a forked child, which has a copy of
// every open file until it becomes another program.
func TestLockEndsThoughAChildHasTheFile(t *testing.T) {
	t.Parallel()
	s := store{root: t.TempDir(), project: "p", stack: "x"}
	kernel, err := s.lockFile()
	require.NoError(t, err)
	inherited, err := syscall.Dup(int(kernel.Fd()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(inherited) })

	_, err = s.lock(t.Context(), lockRequest{operation: "update"})
	require.ErrorContains(t, err, "stack x is locked by a process that starts or ends at this moment")
	release(kernel)
	unlock, err := s.lock(t.Context(), lockRequest{operation: "update"})
	require.NoError(t, err)
	unlock()
}

func TestLockOfAProcessThatRuns(t *testing.T) {
	t.Parallel()
	s := store{root: t.TempDir(), project: "p", stack: "x"}
	cmd := sleeping(t)
	leave(t, s, Holder{PID: cmd.Process.Pid, Username: "ana", Hostname: here(t), Since: time.Now()})
	_, err := s.lock(t.Context(), lockRequest{operation: "update"})
	locked := new(LockedError)
	require.ErrorAs(t, err, &locked)
	for _, said := range []string{"stack x is locked by", "ana@" + here(t), "since 20", "make unlock STACK=x"} {
		require.ErrorContains(t, err, said)
	}
	_, err = s.unlock()
	require.ErrorContains(t, err, "End it first: kill ")

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	unlock, err := s.lock(t.Context(), lockRequest{operation: "update"})
	require.NoError(t, err, "its process has ended")
	unlock()
	left, err := s.holders()
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestLocksOfProcessesThatEnded(t *testing.T) {
	t.Parallel()
	ended := sleeping(t)
	require.NoError(t, ended.Process.Kill())
	require.Error(t, ended.Wait())
	for name, h := range map[string]Holder{
		"no such process":                 {PID: ended.Process.Pid, Hostname: here(t), Since: time.Now()},
		"another process has the number":  {PID: os.Getpid(), Hostname: here(t), Since: time.Now().Add(-24 * 365 * time.Hour)},
		"before the computer was started": {PID: 1, Hostname: here(t), Since: time.Unix(0, 0)},
		"no number":                       {Hostname: here(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := store{root: t.TempDir(), project: "p", stack: "x"}
			leave(t, s, h)
			unlock, err := s.lock(t.Context(), lockRequest{})
			require.NoError(t, err)
			unlock()
		})
	}
}

func TestLockOfAnotherComputer(t *testing.T) {
	t.Parallel()
	s := store{root: t.TempDir(), project: "p", stack: "x"}
	leave(t, s, Holder{PID: 1 << 22, Username: "ana", Hostname: "elsewhere.example", Since: time.Now()})
	_, err := s.lock(t.Context(), lockRequest{})
	require.ErrorContains(t, err, "ana@elsewhere.example")
	removed, err := s.unlock()
	require.NoError(t, err)
	require.Len(t, removed, 1)
	unlock, err := s.lock(t.Context(), lockRequest{})
	require.NoError(t, err)
	unlock()
}

func TestLockThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := store{root: t.TempDir(), project: "p", stack: "x"}
	require.NoError(t, writeFile(filepath.Join(s.lockFolder(), "x.json"), []byte("{")))
	_, err := s.lock(t.Context(), lockRequest{})
	require.ErrorContains(t, err, "delete that file")
}

func TestTwoOperationsAtOnce(t *testing.T) {
	t.Parallel()
	s := store{root: t.TempDir(), project: "p", stack: "x"}
	unlock, err := s.lock(t.Context(), lockRequest{operation: "update"})
	require.NoError(t, err)
	_, err = s.lock(t.Context(), lockRequest{operation: "destroy"})
	require.ErrorContains(t, err, "(update)", "the other one is named")
	other := store{root: s.root, project: "p", stack: "y"}
	free, err := other.lock(t.Context(), lockRequest{})
	require.NoError(t, err, "another stack is free")
	free()

	ctx, cancel := context.WithCancel(t.Context())
	_, err = s.lock(ctx, lockRequest{wait: time.Hour, waiting: func(*LockedError) { cancel() }})
	require.ErrorIs(t, err, ErrInterrupted)

	var told []string
	second, err := s.lock(t.Context(), lockRequest{wait: time.Hour, waiting: func(e *LockedError) {
		told = append(told, e.Error())
		unlock()
	}})
	require.NoError(t, err)
	second()
	require.Len(t, told, 1)
	assert.Contains(t, told[0], "(update)")
}

func TestWaitEnds(t *testing.T) {
	t.Parallel()
	s := store{root: t.TempDir(), project: "p", stack: "x"}
	leave(t, s, Holder{PID: 1, Hostname: "elsewhere.example"})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := s.lock(t.Context(), lockRequest{wait: 5 * time.Minute})
		require.ErrorContains(t, err, "elsewhere.example")
		assert.Equal(t, 5*time.Minute, time.Since(start))
	})
}

// TestKilledProcess checks the state after a process of this program is killed while
// it updates a stack.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestUpdateThatIsKilled$")
	child.Env = append(os.Environ(), stateVariable+"="+state)
	out, err := child.Output()
	exit := new(exec.ExitError)
	require.ErrorAs(t, err, &exit)
	require.False(t, exit.Exited(), "%s%s", out, exit.Stderr)

	w := newWorld()
	s := open(t, w, state, "config: {}\n")
	holders, err := s.store.holders()
	require.NoError(t, err)
	require.Len(t, holders, 1, "its lock is there")
	var shown strings.Builder
	_, err = s.Up(t.Context(), Run{Out: &shown, Refresh: true})
	require.NoError(t, err, shown.String())
	assert.Contains(t, shown.String(), "test:index:Thing thing0")
	assert.Equal(t, 3, w.count())
}

const stateVariable = "ESCALA_TEST_STATE"

// TestUpdateThatIsKilled is the update that runs in the process of
// TestKilledProcess.
func TestUpdateThatIsKilled(t *testing.T) {
	state := os.Getenv(stateVariable)
	if state == "" {
		t.Skip("it is run by TestKilledProcess")
	}
	w := newWorld()
	w.creating = func(context.Context, string) error {
		self, err := os.FindProcess(os.Getpid())
		return errors.Join(err, self.Kill())
	}
	_, err := open(t, w, state, "config: {}\n").Up(t.Context(), Run{})
	t.Fatal("the update ended", err)
}
