// Package plancmd has the commands that plan: plan, plan-diff and manifests. They
// need every target's SDK, so they are separate from the command line of the local
// target.
package plancmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"escala/infra/engine/stackfile"
	"escala/infra/plan"
	"escala/infra/plan/check"
	"escala/infra/plan/preview"
	"escala/infra/plan/prices"
	"escala/infra/plan/report"
	"escala/infra/program"
	"escala/infra/workspace"
)

// allStacks is the --stack that means every file in stacks/.
const allStacks = "all"

// errFindings is the error of a plan that has shown errors.
var errFindings = errors.New("the plan has errors; they are shown above")

// Plan returns the command that shows what a stack would be, without an account.
func Plan(stack *string, targets program.Targets) *cobra.Command {
	var format, out string
	var every bool
	var budget float64
	c := &cobra.Command{
		Use: "plan", Short: "Show what a stack would be, without an account (--stack all: every stack)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, err := report.Format(format, every)
			if err != nil {
				return err
			}
			root, err := workspace.Root()
			if err != nil {
				return err
			}
			p, err := planStacks(cmd.Context(), root, *stack, targets, prices.Budget(budget))
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
	c.Flags().StringVar(&out, "out", "", "folder to write the machines' files and the manifests into")
	budgetFlag(c, &budget)
	c.Flags().BoolVar(&every, "files", false, "show the content of every file, and not only of the configuration")
	return c
}

// budgetFlag adds the flag for the most that a stack may cost a month.
func budgetFlag(c *cobra.Command, budget *float64) {
	c.Flags().Float64Var(budget, "budget", 0, "most that each stack may cost a month, in US dollars; more is an error (default none)")
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

// planStacks plans one stack, or all of them at the same time.
func planStacks(ctx context.Context, root, stack string, targets program.Targets, budget prices.Budget) (plan.Plan, error) {
	if !(budget >= 0) {
		return plan.Plan{}, fmt.Errorf("--budget: %v is not an amount of dollars a month", budget)
	}
	table, err := prices.Load()
	if err != nil {
		return plan.Plan{}, err
	}
	today := time.Now()
	names := []string{stack}
	if stack == allStacks {
		if names, err = stackfile.Stacks(root); err != nil {
			return plan.Plan{}, err
		}
	}
	stacks := make([]plan.Stack, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(2, runtime.NumCPU()))
	for i, name := range names {
		group.Go(func() error {
			planned, secrets, err := preview.Stack(ctx, preview.Options{Root: root, Stack: name, Targets: targets})
			if err != nil {
				return err
			}
			planned.Findings = check.Stack(ctx, planned, secrets)
			if planned.Error == "" {
				costs := table.Stack(planned)
				planned.Costs = &costs
				planned.Findings = append(planned.Findings, prices.Findings(costs, budget, today)...)
				plan.SortFindings(planned.Findings)
			}
			stacks[i] = planned
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return plan.Plan{}, err
	}
	return plan.New(stacks...), nil
}
