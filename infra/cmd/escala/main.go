// Command escala runs the Pulumi program without Pulumi's own installation: it
// is what `make up` calls. Whoever has Pulumi and its plugins uses
// `pulumi up -s …` in this folder just as well; the two do not share state.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"escala/infra/engine"
	"escala/infra/workspace"
)

func main() {
	os.Exit(run())
}

// run is main with an exit status.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "\nerror: "+err.Error())
		return 1
	}
	return 0
}

func command() *cobra.Command {
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
				s, err := open(cmd.Context(), stack)
				if err != nil {
					return err
				}
				defer s.close()
				return c.run(cmd.Context(), s)
			},
		})
	}
	root.AddCommand(rollbackCommand(&stack), unpinCommand(&stack), planCommand(&stack), planDiffCommand(&stack), manifestsCommand(&stack))
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
