package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"escala/infra/plan"
)

// Base is the commit to compare with.
type Base struct {
	// Root is the path of the project.
	Root string
	// Program is the path of the program that plans the base. Default: the one
	// that the base's own code compiles to, as in the clone.
	Program string
	// Revision is any revision that git accepts: main, HEAD~1, a commit.
	Revision string
	// Stack is the name of a stack, or "all".
	Stack string
	// Progress receives a line before each step that takes long.
	Progress io.Writer
}

// commands lists the files that contain the command plan. A commit with one of
// them has the command; older commits have the first.
var commands = []string{"infra/cmd/escala/plan.go", "infra/cli/plancmd/plan.go"}

// cleanup is the time limit for removing the checkout, and for child processes
// to end after an interruption.
const cleanup = 30 * time.Second

// Plan returns the base's plan and the commit's short name. The base's own code
// makes the plan, in a checkout that is removed afterwards. missing is the
// reason if the base has no plan.
func (b Base) Plan(ctx context.Context) (p plan.Plan, commit, missing string, err error) {
	if _, err := exec.LookPath("git"); err != nil {
		return p, "", "", errors.New("plan-diff compares with a commit, and git is not installed on this computer: apt-get install git")
	}
	if _, err := b.git(ctx, "rev-parse", "--git-dir"); err != nil {
		return p, "", "", fmt.Errorf("plan-diff compares with a commit, and %s is in no git repository that git can read: %w", b.Root, err)
	}
	commit, err = b.git(ctx, "rev-parse", "--verify", "--end-of-options", b.Revision+"^{commit}")
	if err != nil {
		return p, "", "", fmt.Errorf("looking for %s: %w", b.Revision, err)
	}
	short := commit[:min(12, len(commit))]
	prefix, err := b.git(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return p, short, "", fmt.Errorf("looking for the top folder of the repository: %w", err)
	}
	needed := commands
	if b.Program != "" {
		needed = []string{prefix + "Pulumi.yaml"}
	}
	if !b.hasAny(ctx, commit, needed) {
		if b.Program != "" {
			return p, short, "it has no Pulumi.yaml", nil
		}
		return p, short, "it has no plan command", nil
	}
	if b.Stack != "all" {
		if _, err := b.git(ctx, "cat-file", "-e", commit+":"+prefix+"stacks/Pulumi."+b.Stack+".yaml"); err != nil {
			return plan.New(), short, "", nil
		}
	}
	dir, err := os.MkdirTemp("", "escala-base-")
	if err != nil {
		return p, short, "", fmt.Errorf("making a folder for %s: %w", b.Revision, err)
	}
	defer os.RemoveAll(dir)
	tree := filepath.Join(dir, "tree")
	// The checkout is removed after an interruption too.
	defer func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
		defer cancel()
		if _, removed := b.git(after, "worktree", "remove", "--force", "--force", tree); removed != nil {
			err = errors.Join(err, os.RemoveAll(tree))
			if _, pruned := b.git(after, "worktree", "prune"); pruned != nil {
				err = errors.Join(err, pruned)
			}
		}
	}()
	if _, err := b.git(ctx, "-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", tree, commit); err != nil {
		return p, short, "", fmt.Errorf("checking %s out: %w", b.Revision, err)
	}
	p, missing, err = b.run(ctx, filepath.Join(tree, prefix), filepath.Join(dir, "escala"))
	return p, short, missing, err
}

// run compiles the base's own code and lets it make the plan. A base that
// cannot plan is not an error; the text states the reason.
func (b Base) run(ctx context.Context, tree, program string) (plan.Plan, string, error) {
	var p plan.Plan
	if b.Program != "" {
		program = b.Program
	} else {
		fmt.Fprintf(b.Progress, "compiling %s's own program\n", b.Revision)
		if _, err := b.output(ctx, tree, "go", "build", "-o", program, "./infra/cmd/escala"); err != nil {
			return p, "its program does not compile: " + err.Error(), nil //nolint:nilerr // that is an answer
		}
	}
	fmt.Fprintf(b.Progress, "planning %s\n", b.Revision)
	out, err := b.output(ctx, tree, program, "plan", "--stack", b.Stack, "--format", "json")
	if ctx.Err() != nil {
		return p, "", ctx.Err()
	}
	// The command fails if the plan has errors, but it prints the plan.
	if read := json.Unmarshal([]byte(out), &p); read != nil {
		if err != nil {
			read = err
		}
		return p, "its program cannot plan: " + read.Error(), nil
	}
	if p.Version != plan.Version {
		return plan.Plan{}, fmt.Sprintf("its plan has version %d, and this one %d", p.Version, plan.Version), nil
	}
	return p, "", nil
}

// hasAny reports whether a commit has at least one of the files.
func (b Base) hasAny(ctx context.Context, commit string, paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		_, err := b.git(ctx, "cat-file", "-e", commit+":"+path)
		return err == nil
	})
}

func (b Base) git(ctx context.Context, args ...string) (string, error) {
	out, err := b.output(ctx, b.Root, "git", args...)
	return strings.TrimSpace(out), err
}

// output runs a program in a folder and returns its output. An interruption ends
// the whole process group.
func (b Base) output(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = cleanup
	var out, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &wrong
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", filepath.Base(program), args[0], err, strings.TrimSpace(wrong.String()))
	}
	return out.String(), nil
}
