package plancmd

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"escala/infra/engine/stackfile"
	"escala/infra/plan"
	"escala/infra/plan/compare"
	"escala/infra/plan/prices"
	"escala/infra/plan/report"
	"escala/infra/program"
	"escala/infra/workspace"
)

// Diff returns the command that shows what the working tree changes, compared with a
// commit.
func Diff(stack *string, targets program.Targets) *cobra.Command {
	var format, base string
	var budget float64
	c := &cobra.Command{
		Use: "plan-diff", Short: "Show what the working tree changes, compared with a commit, without an account", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			write, err := report.DifferenceFormat(format)
			if err != nil {
				return err
			}
			root, err := workspace.Root()
			if err != nil {
				return err
			}
			from := compare.Base{Root: root, Revision: base, Stack: *stack, Progress: os.Stderr}
			if !workspace.IsClone(root) {
				if from.Program, err = os.Executable(); err != nil {
					return fmt.Errorf("finding this program: %w", err)
				}
			}
			before, commit, missing, err := from.Plan(ctx)
			if err != nil {
				return interrupted(ctx.Err(), err)
			}
			after := plan.New()
			if *stack == allStacks || stackfile.Exists(root, *stack) {
				if after, err = planStacks(ctx, root, *stack, targets, prices.Budget(budget)); err != nil {
					return interrupted(ctx.Err(), err)
				}
			}
			d, err := compare.Plans(ctx, commit, before, after)
			if err != nil {
				return err
			}
			d.Missing = missing
			if err := write(cmd.OutOrStdout(), d); err != nil {
				return fmt.Errorf("writing the difference: %w", err)
			}
			if d.Fails() {
				return errFindings
			}
			return nil
		},
	}
	budgetFlag(c, &budget)
	c.Flags().StringVar(&base, "base", "main", "commit to compare with")
	c.Flags().StringVar(&format, "format", report.Text, "text, json or markdown")
	return c
}

// interrupted is the error of a command that may have been interrupted.
func interrupted(stopped, err error) error {
	if stopped != nil {
		return errors.New("interrupted; nothing is left behind")
	}
	return err
}
