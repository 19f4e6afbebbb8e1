package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"escala/infra/deploy"
	"escala/infra/operate"
	"escala/infra/operate/screen"
	"escala/infra/plan"
	"escala/infra/plan/prices"
)

// exitNotWell is the exit status of `status` for a stack that is not well. An error has
// the exit status 1.
const exitNotWell = 2

// statusTimeout is the time limit of the whole query.
const statusTimeout = 30 * time.Second

func statusCommand(o *opener) *cobra.Command {
	var asJSON bool
	c := operateCommand{
		use: "status", short: "Show how the stack is",
		long: `Show how the stack is: what runs, since when, and what is wrong.

The exit status is 0 if all is well, 2 if something is wrong or a machine has not
been heard of, and 1 if the question failed.`,
		run: func(cmd *cobra.Command, s *operate.Stack, target deploy.Target, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), statusTimeout)
			defer cancel()
			return showStatus(ctx, cmd.OutOrStdout(), s, target, asJSON)
		},
	}.command(o)
	c.Flags().BoolVar(&asJSON, "json", false, "print the status as JSON (docs/operations.md)")
	return c
}

func showStatus(ctx context.Context, out io.Writer, s *operate.Stack, target deploy.Target, asJSON bool) error {
	reporter, err := able[operate.StatusReporter](target, "status", "")
	if err != nil {
		return err
	}
	status, err := reporter.Status(ctx, s)
	if err != nil {
		return fmt.Errorf("asking how stack %s is: %w", s.Name, err)
	}
	status.Recall(ctx, s)
	status.Cost = costOf(s)
	status.End()
	if asJSON {
		if err := printJSON(out, status); err != nil {
			return err
		}
	} else {
		screen.Screen{Out: out, Color: color(), Now: time.Now()}.Status(status)
	}
	if !status.Well {
		return &statusError{exitNotWell}
	}
	return nil
}

// costOf prices the resources in the stack's state. It returns nil if the table of
// prices cannot be read.
func costOf(s *operate.Stack) *operate.Cost {
	table, err := prices.Load()
	if err != nil {
		return nil
	}
	planned := plan.Stack{Name: s.Name, Target: s.Target}
	for _, r := range s.Resources {
		if !r.Replaced {
			planned.Resources = append(planned.Resources, plan.Resource{
				URN: r.URN, Type: r.Type, Name: r.Name, Provider: r.Provider, Component: r.Component, Raw: r.Inputs,
			})
		}
	}
	costs := table.Stack(planned)
	return &operate.Cost{Low: costs.Low, High: costs.High, Unpriced: costs.Unpriced}
}

// printJSON writes a value for programs, with two spaces of indentation.
func printJSON(out io.Writer, value any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}
