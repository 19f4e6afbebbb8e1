// Package cli is the program that `make up` calls: it runs the Pulumi
// program without Pulumi's own installation. Whoever has Pulumi and its plugins
// uses `pulumi up -s …` just as well; the two do not share state.
//
// Which targets it can deploy to is its caller's choice, since the targets'
// SDKs are nearly all that there is to compile.
package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"escala/infra/engine"
	"escala/infra/program"
	"escala/infra/workspace"
)

// Subcommand makes a further command for the stack that the flag --stack names.
type Subcommand func(stack *string) *cobra.Command

// Main runs the command line and returns the exit status.
func Main(targets program.Targets, more ...Subcommand) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(targets, more).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "\nerror: "+err.Error())
		return 1
	}
	return 0
}

func command(targets program.Targets, more []Subcommand) *cobra.Command {
	var stack string
	root := &cobra.Command{
		Use:           "escala",
		Short:         "Runs the service's Pulumi program",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVarP(&stack, "stack", "s", "local", "the stack: stacks/Pulumi.<stack>.yaml")
	for _, c := range []struct {
		use, short string
		run        func(context.Context, *session) error
	}{
		{"up", "Creates or updates the stack", up},
		{"preview", "Says what up would change", preview},
		{"refresh", "Compares the stack's state with what is there", refresh},
		{"down", "Destroys the stack and forgets it", down},
		{"logs", "Prints what the local machine's workers and units logged last", logs},
		{"shell", "Opens a shell on the local machine", shell},
		{"outputs", "Prints the stack's outputs as JSON", outputs},
	} {
		root.AddCommand(&cobra.Command{
			Use: c.use, Short: c.short, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				s, err := open(cmd.Context(), stack, targets)
				if err != nil {
					return err
				}
				defer s.close()
				return c.run(cmd.Context(), s)
			},
		})
	}
	root.AddCommand(rollbackCommand(&stack, targets), unpinCommand(&stack, targets))
	for _, m := range more {
		root.AddCommand(m(&stack))
	}
	root.AddCommand(&cobra.Command{
		Use: "cli", Short: "Prints the path of the Pulumi CLI that is used", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			clone, err := workspace.Root()
			if err != nil {
				return err
			}
			path, err := engine.FindCLI(cmd.Context(), clone)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
			return err
		},
	})
	return root
}
