package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"escala/infra/deploy"
	"escala/infra/engine/stackfile"
	"escala/infra/operate"
	"escala/infra/workspace"
	"escala/service/event"
)

// releaseKey is the configuration key that pins a release.
const releaseKey = workspace.Namespace + ":release"

// rollbackCommand returns the command that pins the release before the current one,
// or a given one, and updates the stack to it. The pin stays in the stack's file,
// where a review sees it, until unpin removes it.
func rollbackCommand(o *opener) *cobra.Command {
	var to string
	c := operateCommand{
		use: "rollback", short: "Go back to the release before, until unpin",
		run: func(cmd *cobra.Command, s *operate.Stack, _ deploy.Target, _ []string) (err error) {
			if to == "" {
				if to, err = goal(cmd.Context(), s); err != nil {
					return err
				}
			}
			return pin(cmd.Context(), o, s, to)
		},
	}.command(o)
	c.Flags().StringVar(&to, "to", "", "release: its id, or the beginning of it (default the one before)")
	return c
}

// unpinCommand returns the command that goes back to the release that is built from
// the source.
func unpinCommand(o *opener) *cobra.Command {
	return operateCommand{
		use: "unpin", short: "Go back to the release that is built from the source",
		run: func(cmd *cobra.Command, s *operate.Stack, _ deploy.Target, _ []string) error {
			return pin(cmd.Context(), o, s, "")
		},
	}.command(o)
}

// goal returns the release that a rollback goes to: after a failed update the one
// that served last, otherwise the one before it.
func goal(ctx context.Context, s *operate.Stack) (string, error) {
	failed := false
	if s.Updates != nil {
		updates, err := s.Updates(ctx, time.Time{}, recentUpdates)
		if err != nil {
			return "", err
		}
		for _, u := range updates {
			if u.Kind == event.Update || u.Kind == event.Rollback {
				failed = u.Result == event.Failed
			}
		}
	}
	if failed {
		return nthRelease(s.Outputs["releases"], 0)
	}
	return nthRelease(s.Outputs["releases"], 1)
}

// recentUpdates is the number of past updates that a rollback reads.
const recentUpdates = 20

// nthRelease returns a release in a stack's output "releases". The first of them served
// last.
func nthRelease(releases any, n int) (string, error) {
	ids, _ := releases.([]any)
	if len(ids) <= n {
		return "", errors.New("the stack has no earlier release to go back to")
	}
	id, ok := ids[n].(string)
	if !ok {
		return "", fmt.Errorf("the stack's output \"releases\" has %v instead of a release id", ids[n])
	}
	return id, nil
}

// pin writes the release into the stack's file, or removes it, and updates the
// stack.
func pin(ctx context.Context, o *opener, stack *operate.Stack, release string) error {
	file := stackfile.Path(stack.Root, o.stack)
	if err := stackfile.Set(file, releaseKey, release); err != nil {
		return err
	}
	if release == "" {
		fmt.Fprintf(os.Stderr, "%s pins no release now\n", file)
	} else {
		fmt.Fprintf(os.Stderr, "%s pins release %.12s, until make unpin\n", file, release)
	}
	if stack.SharedBackend {
		return pulumiUp(ctx, stack)
	}
	s, err := o.open(ctx)
	if err != nil {
		return err
	}
	return up(ctx, s)
}

// pulumiUp updates a stack whose state is in the backend that Pulumi's command line
// is logged in to.
func pulumiUp(ctx context.Context, s *operate.Stack) error {
	cmd := exec.CommandContext(ctx, "pulumi", "up", "--yes", "--skip-preview", "--stack", s.Name)
	cmd.Dir = s.Root
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// Pulumi ends its operation gently on the same signal.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("pulumi up: %w", err)
	}
	return nil
}
