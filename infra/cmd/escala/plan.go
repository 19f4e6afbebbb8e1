package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"escala/infra/engine"
	"escala/infra/plan"
	"escala/infra/plan/check"
	"escala/infra/plan/preview"
	"escala/infra/plan/report"
	"escala/infra/workspace"
)

// allStacks is the name that stands for every file in stacks/.
const allStacks = "all"

// errFindings stands in for findings that the plan has shown.
var errFindings = errors.New("the plan has errors; they stand above")

// planCommand says what a stack would be, without an account.
func planCommand(stack *string) *cobra.Command {
	var format, out string
	var every bool
	c := &cobra.Command{
		Use: "plan", Short: "Says what a stack would be, without an account (--stack all: every stack)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, err := report.Format(format, every)
			if err != nil {
				return err
			}
			p, err := planStacks(cmd.Context(), *stack)
			if err != nil {
				return interrupted(cmd.Context().Err(), err)
			}
			if out != "" {
				if err := report.Folder(out, p); err != nil {
					return err
				}
			}
			return finish(cmd.OutOrStdout(), p, write)
		},
	}
	c.Flags().StringVar(&format, "format", report.Text, "text, json or markdown")
	c.Flags().StringVar(&out, "out", "", "a folder to write the machines' files and the manifests into")
	c.Flags().BoolVar(&every, "files", false, "show the content of every file, and not only of the configuration")
	return c
}

func finish(w io.Writer, p plan.Plan, write report.Writer) error {
	if err := write(w, p); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	if p.Count(plan.Error) > 0 {
		return errFindings
	}
	return nil
}

// planStacks plans one stack, or all, beside each other.
func planStacks(ctx context.Context, stack string) (plan.Plan, error) {
	root, err := workspace.Root()
	if err != nil {
		return plan.Plan{}, err
	}
	cli, err := engine.FindCLI(ctx, root)
	if err != nil {
		return plan.Plan{}, err
	}
	names := []string{stack}
	if stack == allStacks {
		if names, err = stacksOf(root); err != nil {
			return plan.Plan{}, err
		}
	}
	stacks := make([]plan.Stack, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(2, runtime.NumCPU()))
	for i, name := range names {
		group.Go(func() error {
			one, secrets, err := preview.Stack(ctx, preview.Options{Root: root, Pulumi: cli, Stack: name})
			if err != nil {
				return err
			}
			one.Findings = check.Stack(ctx, one, secrets)
			stacks[i] = one
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return plan.Plan{}, err
	}
	return plan.New(stacks...), nil
}

// stacksOf are the names of the stacks that have a file, in order.
func stacksOf(root string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(root, "stacks"))
	if err != nil {
		return nil, fmt.Errorf("looking for stacks: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), "Pulumi.")
		name, yaml := strings.CutSuffix(name, ".yaml")
		if ok && yaml && name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("stacks/ has no file Pulumi.<stack>.yaml")
	}
	slices.Sort(names)
	return names, nil
}

func hasStack(root, stack string) bool {
	_, err := os.Stat(filepath.Join(root, "stacks", "Pulumi."+stack+".yaml"))
	return err == nil
}
