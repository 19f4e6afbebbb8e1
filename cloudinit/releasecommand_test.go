package cloudinit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
	"escala/service/machine"
)

// openFolder is a folder that the service's user can write to.
func openFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "c")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o777))
	return folder
}

// untilEnd runs rounds until no release command runs.
func (b *bench) untilEnd(t *testing.T) machine.Status {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if s := b.runOnce(t); s.Phase != machine.Rolling {
			return s
		}
	}
	require.Fail(t, "the release command has not ended")
	return machine.Status{}
}

// TestReleaseCommandRunsOnceForEachRelease checks that a failing command refuses the
// release, while the release before still serves, and that another update runs it
// again. Going back to a release needs no command.
func TestReleaseCommandRunsOnceForEachRelease(t *testing.T) {
	t.Parallel()
	folder := openFolder(t)
	b := newBench(t, func(s *service.Spec) {
		s.Env = map[string]string{"DATABASE": folder}
		s.ReleaseCommand = service.ReleaseCommand{Timeout: 3 * time.Second, Command: []string{
			"sh", "-c", `echo ran >>"$DATABASE/ran"; echo "by $(id -un), worker ${WORKER-none}"; if test -e "$DATABASE/hang"; then sleep 60 & sleep 60; fi; ! test -e "$DATABASE/locked" || { echo "the table is locked"; exit 3; }`,
		}}
	})
	runs := func() int {
		content, err := os.ReadFile(filepath.Join(folder, "ran"))
		require.NoError(t, err)
		return strings.Count(string(content), "\n")
	}
	fault := func(name string, there bool) {
		if there {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), nil, 0o644))
			return
		}
		require.NoError(t, os.Remove(filepath.Join(folder, name)))
	}
	command := b.spec.ReleaseCommand.Digest()
	one, two := b.release(t, "one"), b.release(t, "two")

	b.point(t, service.Wanted{Release: one, RequestedAt: 1, Command: command}.Pointer())
	b.serves(t, b.untilEnd(t), one)
	assert.Equal(t, 1, runs(), "the first release")
	b.serves(t, b.runOnce(t), one)
	assert.Equal(t, 1, runs(), "once")

	fault("locked", true)
	b.point(t, service.Wanted{Release: two, RequestedAt: 2, Command: command}.Pointer())
	s := b.untilEnd(t)
	assert.Equal(t, machine.Refused, s.Phase)
	assert.Equal(t, "release "+two.Short()+" is refused: its release command ends with status 3; the next update runs it again", s.Reason)
	assert.Equal(t, one.ID, b.get(t))
	refusal, err := os.ReadFile(filepath.Join(b.root, "var/lib/escala/refusal.json"))
	require.NoError(t, err)
	assert.Contains(t, string(refusal), `by nobody, worker none\nthe table is locked`)
	for range 3 {
		assert.Equal(t, s.Reason, b.runOnce(t).Reason, "the same words")
	}
	assert.Equal(t, 2, runs(), "it is not tried again by itself")

	b.point(t, service.Wanted{Release: two, RequestedAt: 3, Command: command}.Pointer())
	assert.Equal(t, s.Reason, b.untilEnd(t).Reason)
	assert.Equal(t, 3, runs(), "another update tries again")

	fault("locked", false)
	fault("hang", true)
	b.point(t, service.Wanted{Release: two, RequestedAt: 4, Command: command}.Pointer())
	assert.Contains(t, b.untilEnd(t).Reason, "its release command has not ended within 3s and was killed")
	fault("hang", false)

	b.point(t, service.Wanted{Release: two, RequestedAt: 5, Command: command}.Pointer())
	b.serves(t, b.untilEnd(t), two)
	assert.Equal(t, 5, runs())

	fault("locked", true)
	b.point(t, service.Wanted{Release: one, RequestedAt: 6}.Pointer())
	b.serves(t, b.untilEnd(t), one)
	b.point(t, service.Wanted{Release: two, RequestedAt: 7, Command: command}.Pointer())
	b.serves(t, b.untilEnd(t), two)
	assert.Equal(t, 5, runs(), "a release for which it has ended well needs no other")
}

// TestReleaseCommandThatDoesNotBehave checks commands that an agent must bound: their
// output, their time and their children.
func TestReleaseCommandThatDoesNotBehave(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		command string
		timeout time.Duration
		reason  string // "" if the release serves
		check   func(t *testing.T, folder, refusal string)
	}{
		"it prints a million lines": {
			`yes "a line of a long output" 2>/dev/null | head -n 1000000; echo "the last line"; exit 3`, time.Minute, "ends with status 3",
			func(t *testing.T, _, refusal string) {
				assert.Contains(t, refusal, `a line of a long output\nthe last line"`)
				assert.Less(t, len(refusal), 2_000)
			},
		},
		"it prints one endless line": {
			`tr '\0' x </dev/zero | head -c 100000000; exit 3`, time.Minute, "ends with status 3",
			func(t *testing.T, _, refusal string) { assert.Less(t, len(refusal), 20_000) },
		},
		"it ignores SIGTERM, and so do its children": {
			`trap "" TERM; echo $$ >"$DATABASE/pid"; sh -c 'echo $$ >"$DATABASE/child"; while :; do sleep 1; done' & while :; do sleep 1; done`, time.Second, "has not ended within 1s and was killed",
			func(t *testing.T, folder, _ string) {
				for _, name := range []string{"pid", "child"} {
					ends(t, processIn(t, folder, name))
				}
			},
		},
		"it leaves a child behind that holds its output open": {
			`sleep 600 & echo $! >"$DATABASE/pid"; echo done`, time.Minute, "",
			func(t *testing.T, folder, _ string) {
				ends(t, processIn(t, folder, "pid"))
			},
		},
		"it leaves a session behind that holds its output open": {
			`setsid sh -c 'echo $$ >"$DATABASE/pid"; exec sleep 600' & until test -s "$DATABASE/pid"; do sleep 0.1; done; echo done`, time.Minute, "",
			func(t *testing.T, folder, _ string) {
				ends(t, processIn(t, folder, "pid"))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := openFolder(t)
			b := newBench(t, func(s *service.Spec) {
				s.Env = map[string]string{"DATABASE": folder}
				s.ReleaseCommand = service.ReleaseCommand{Timeout: tt.timeout, Command: []string{"sh", "-c", tt.command}}
			})
			one := b.release(t, "one")
			b.point(t, service.Wanted{Release: one, RequestedAt: 1, Command: b.spec.ReleaseCommand.Digest()}.Pointer())
			s := b.untilEnd(t)
			if tt.reason == "" {
				b.serves(t, s, one)
				tt.check(t, folder, "")
				return
			}
			assert.Equal(t, machine.Refused, s.Phase)
			assert.Equal(t, "release "+one.Short()+" is refused: its release command "+tt.reason+"; the next update runs it again", s.Reason)
			refusal, err := os.ReadFile(filepath.Join(b.root, "var/lib/escala/refusal.json"))
			require.NoError(t, err)
			tt.check(t, folder, string(refusal))
		})
	}
}

// ends waits for the end of a process that was killed. Its parent may not have asked for
// its status yet.
func ends(t *testing.T, pid string) {
	t.Helper()
	assert.Eventually(t, func() bool {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		_, state, _ := strings.Cut(string(stat), ") ")
		return err != nil || strings.HasPrefix(state, "Z")
	}, 10*time.Second, 20*time.Millisecond, "process %s lives", pid)
}

// processIn returns the number of a process that a command has written to a file.
func processIn(t *testing.T, folder, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, name))
	require.NoError(t, err)
	pid := strings.TrimSpace(string(content))
	require.NotEmpty(t, pid)
	return pid
}

// TestReleaseCommandThatCannotBeStartedRefusesTheRelease checks faults that the
// machine finds only when it starts the command.
func TestReleaseCommandThatCannotBeStartedRefusesTheRelease(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(s *service.Spec) {
		s.Packages, s.ReleaseCommand.Command = []string{"none"}, []string{"no-such-program", "migrate"}
	})
	require.NoError(t, os.WriteFile(filepath.Join(b.root, setUpPath), nil, 0o644))
	one := b.release(t, "one")
	b.point(t, service.Wanted{Release: one, RequestedAt: 1, Command: b.spec.ReleaseCommand.Digest()}.Pointer())
	s := b.untilEnd(t)
	assert.Equal(t, machine.Refused, s.Phase)
	assert.Contains(t, s.Reason, "its release command cannot be started")
	refusal, err := os.ReadFile(filepath.Join(b.root, "var/lib/escala/refusal.json"))
	require.NoError(t, err)
	assert.Contains(t, string(refusal), `\"no-such-program\": executable file not found in $PATH`)
}

// TestReleaseCommandOfAMachineThatWentDownIsNotRunAgain checks a machine that goes
// down in the middle, which leaves a record without an end.
func TestReleaseCommandOfAMachineThatWentDownIsNotRunAgain(t *testing.T) {
	t.Parallel()
	folder := openFolder(t)
	b := newBench(t, func(s *service.Spec) {
		s.ReleaseCommand.Command = []string{"sh", "-c", "echo ran >>" + folder + "/ran"}
	})
	one := b.release(t, "one")
	wanted := service.Wanted{Release: one, RequestedAt: 1, Command: b.spec.ReleaseCommand.Digest()}
	records := filepath.Join(b.root, "shared", "commands", string(one.ID)+"-"+wanted.Command)
	require.NoError(t, os.MkdirAll(records, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(records, "1"), []byte(`{"machine":"","boot":"the one before","phase":"begun"}`), 0o644))
	b.point(t, wanted.Pointer())
	s := b.untilEnd(t)
	assert.Equal(t, machine.Refused, s.Phase)
	assert.Contains(t, s.Reason, "was interrupted on machine unknown, and whether it did its work is unknown: look at what it changes before the next update, which runs it again")
	assert.NoFileExists(t, filepath.Join(folder, "ran"))

	wanted.RequestedAt = 2
	b.point(t, wanted.Pointer())
	b.serves(t, b.untilEnd(t), one)
	assert.FileExists(t, filepath.Join(folder, "ran"))
}

// TestAMachineWithAnotherReleaseCommandLeavesTheReleaseToTheNextMachine checks the
// machine that is being replaced, which has the description of before.
func TestAMachineWithAnotherReleaseCommandLeavesTheReleaseToTheNextMachine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.release(t, "one"), b.release(t, "two")
	b.point(t, one.Pointer())
	b.serves(t, b.runOnce(t), one)
	b.point(t, service.Wanted{Release: two, RequestedAt: 2, Command: "0123456789ab"}.Pointer())
	s := b.runOnce(t)
	assert.Equal(t, machine.Failing, s.Phase)
	assert.Contains(t, s.Reason, "needs the release command of another description than this machine's: the machine that replaces this one runs it")
	assert.Equal(t, one.ID, b.get(t))
}
