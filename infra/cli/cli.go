// Package cli is the command line that `make` calls. It runs the Pulumi program on
// the engine in this process, so that no Pulumi installation is needed. Its caller
// chooses the targets, because compiling their SDKs takes nearly all of the time.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/spf13/cobra"

	"escala/infra/cli/initcmd"
	"escala/infra/program"
)

// Subcommand returns another command, for the stack that the flag --stack names. The
// name is set when the command runs.
type Subcommand func(stack *string, targets program.Targets) *cobra.Command

// Main runs the command line and returns the exit status.
func Main(targets program.Targets, more ...Subcommand) int {
	if status, ok := asPulumi(targets); ok {
		return status
	}
	var engine atomic.Bool
	ctx, kill, stop := signals(context.Background(), &engine)
	defer stop()
	if err := root(targets, kill, &engine, more).ExecuteContext(ctx); err != nil {
		if shown := new(statusError); errors.As(err, &shown) {
			return shown.status
		}
		fmt.Fprintln(os.Stderr, "\nerror: "+err.Error())
		return 1
	}
	return 0
}

// root returns the command line. A second signal closes kill. engine becomes true
// with the first operation of the engine.
func root(targets program.Targets, kill <-chan struct{}, engine *atomic.Bool, more []Subcommand) *cobra.Command {
	c := &cobra.Command{
		Use: "escala", Short: "Run the service's Pulumi program", Version: version(),
		SilenceUsage: true, SilenceErrors: true,
	}
	opener := opener{targets: targets, kill: kill, engine: engine}
	c.PersistentFlags().StringVarP(&opener.stack, "stack", "s", "local", "stack: stacks/Pulumi.<stack>.yaml")
	_ = c.RegisterFlagCompletionFunc("stack", func(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		return completeStacks(cmd, nil, toComplete)
	}) // its error would be that the flag does not exist
	c.PersistentFlags().DurationVar(&opener.wait, "wait", 0, "time to wait for another process that works on the stack, for example 5m")
	for _, command := range []struct {
		use, short string
		run        func(context.Context, *session) error
	}{
		{"up", "Create or update the stack, and wait until it serves", up},
		{"preview", "Show what up would change", preview},
		{"refresh", "Compare the stack's state with what exists", refresh},
		{"down", "Destroy the stack, and its state", down},
		{"outputs", "Print the stack's outputs as JSON", outputs},
		{"unlock", "Remove the stack's lock, left by another computer", unlock},
		{"shell", "Open a shell on the local machine", shell},
	} {
		c.AddCommand(&cobra.Command{
			Use: command.use, Short: command.short, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				s, err := opener.open(cmd.Context())
				if err != nil {
					return err
				}
				return command.run(cmd.Context(), s)
			},
		})
	}
	c.AddCommand(rollbackCommand(&opener), unpinCommand(&opener), initcmd.Command(version),
		statusCommand(&opener), eventsCommand(&opener),
		logsCommand(&opener), restartCommand(&opener), maintenanceCommand(&opener), execCommand(&opener), runCommand(&opener))
	for _, m := range more {
		c.AddCommand(m(&opener.stack, targets))
	}
	return c
}
