package compare

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clone is a temporary repository whose program plans the stacks in its files.
type clone struct {
	t    *testing.T
	root string
}

// planner replaces a commit's own program. It makes one stack per file, with
// the file's content as its release.
const planner = `package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if os.Getenv("ESCALA_TEST_SLEEP") != "" {
		os.WriteFile(os.Getenv("ESCALA_TEST_SLEEP"), nil, 0o600)
		time.Sleep(time.Minute)
	}
	plan := map[string]any{"version": VERSION}
	files, _ := filepath.Glob("stacks/*.yaml")
	var stacks []any
	for _, file := range files {
		content, _ := os.ReadFile(file)
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml")
		stacks = append(stacks, map[string]any{"name": name, "release": strings.TrimSpace(string(content))})
	}
	plan["stacks"] = stacks
	json.NewEncoder(os.Stdout).Encode(plan)
	os.Exit(1)
}
`

func newClone(t *testing.T) clone {
	t.Helper()
	// The test sees all temporary files in this folder.
	t.Setenv("TMPDIR", t.TempDir())
	c := clone{t: t, root: t.TempDir()}
	c.git("init", "--quiet", "--initial-branch", "main")
	c.write("go.mod", "module escala\n\ngo 1.26\n")
	c.write("stacks/Pulumi.a.yaml", "first\n")
	return c
}

func (c clone) write(path, content string) {
	c.t.Helper()
	full := filepath.Join(c.root, path)
	require.NoError(c.t, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(c.t, os.WriteFile(full, []byte(content), 0o644))
}

func (c clone) git(args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	cmd.Dir = c.root
	out, err := cmd.CombinedOutput()
	require.NoError(c.t, err, "%s", out)
	return string(out)
}

func (c clone) commit(message string) {
	c.t.Helper()
	c.git("add", "--all")
	c.git("commit", "--quiet", "--message", message)
}

// program commits a planner whose plans have the given version.
func (c clone) program(version string) {
	c.t.Helper()
	c.write(commands[0], strings.ReplaceAll(planner, "VERSION", version))
	c.commit("plan")
}

func (c clone) base(revision, stack string) Base {
	return Base{Root: c.root, Revision: revision, Stack: stack, Progress: io.Discard}
}

// clean checks that no file and no checkout is left.
func (c clone) clean() {
	c.t.Helper()
	assert.Len(c.t, strings.Split(strings.TrimSpace(c.git("worktree", "list")), "\n"), 1, "no checkout is left")
	left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "escala-*"))
	require.NoError(c.t, err)
	assert.Empty(c.t, left)
	assert.Empty(c.t, c.git("status", "--porcelain", "--untracked-files=no"), "the clone is as it was")
}

func TestTheBaseIsPlannedByItsOwnCode(t *testing.T) {
	c := newClone(t)
	c.program("1")
	c.write("stacks/Pulumi.a.yaml", "second\n")
	c.commit("another")
	p, commit, missing, err := c.base("HEAD~1", "all").Plan(t.Context())
	require.NoError(t, err)
	assert.Empty(t, missing)
	assert.Equal(t, strings.TrimSpace(c.git("rev-parse", "HEAD~1"))[:12], commit)
	require.Len(t, p.Stacks, 1)
	assert.Equal(t, "first", p.Stacks[0].Release)
	c.clean()

	p, _, missing, err = c.base("HEAD", "b").Plan(t.Context())
	require.NoError(t, err)
	assert.Empty(t, missing)
	assert.Empty(t, p.Stacks, "a stack that the base does not have is a new one")
}

func TestABaseWithoutAPlanIsNamed(t *testing.T) {
	c := newClone(t)
	c.commit("before plans")
	c.program("99")
	c.write(commands[0], "package main\n\nfunc main() { broken }\n")
	c.commit("broken")
	for revision, want := range map[string]string{
		"HEAD~2": "it has no plan command",
		"HEAD~1": "its plan has version 99, and this one 1",
		"HEAD":   "its program does not compile",
	} {
		p, _, missing, err := c.base(revision, "all").Plan(t.Context())
		require.NoError(t, err)
		assert.Contains(t, missing, want)
		assert.Empty(t, p.Stacks)
		c.clean()
	}
	for _, revision := range []string{"nowhere", "--help"} {
		_, _, _, err := c.base(revision, "all").Plan(t.Context())
		require.ErrorContains(t, err, "looking for "+revision)
	}
	c.clean()
}

func TestAnInterruptionLeavesNothingBehind(t *testing.T) {
	c := newClone(t)
	c.program("1")
	started := filepath.Join(t.TempDir(), "started")
	t.Setenv("ESCALA_TEST_SLEEP", started)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(started); err == nil {
				cancel()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	began := time.Now()
	_, _, _, err := c.base("HEAD", "all").Plan(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), time.Minute, "what it started ends with it")
	c.clean()
}

func TestWithoutGit(t *testing.T) {
	b := Base{Root: t.TempDir(), Revision: "main", Stack: "all", Progress: io.Discard}
	_, _, _, err := b.Plan(t.Context())
	require.ErrorContains(t, err, b.Root+" is in no git repository that git can read: ")
	t.Setenv("PATH", t.TempDir())
	_, _, _, err = b.Plan(t.Context())
	require.ErrorContains(t, err, "git is not installed on this computer")
}
