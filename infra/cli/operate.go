package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"escala/infra/deploy"
	"escala/infra/engine/stackfile"
	"escala/infra/operate"
	"escala/infra/operate/state"
	"escala/infra/workspace"
)

// operateCommand is a command that opens a stack from its state: `escala status
// [STACK]`. Its run function is called with the open stack and the stack's target.
type operateCommand struct {
	use, short, long string
	run              func(cmd *cobra.Command, s *operate.Stack, target deploy.Target, args []string) error
}

// command returns the command. The stack is the first argument, or the flag --stack.
func (c operateCommand) command(o *opener) *cobra.Command {
	return &cobra.Command{
		Use: c.use + " [STACK]", Short: c.short, Long: c.long,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: completeStacks,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.stack = args[0]
			}
			s, target, err := o.operate(cmd.Context())
			if err != nil {
				return err
			}
			return c.run(cmd, s, target, args)
		},
	}
}

// operate opens the stack without the engine's program.
func (o *opener) operate(ctx context.Context) (*operate.Stack, deploy.Target, error) {
	root, err := workspace.Root()
	if err != nil {
		return nil, nil, err
	}
	return state.Open(ctx, root, o.stack, o.targets())
}

// able returns the target as the interface of a command, or an error if the target
// does not implement it.
func able[T any](target deploy.Target, command, instead string) (T, error) {
	t, ok := target.(T)
	if !ok {
		return t, &operate.UnsupportedError{Target: target.Name(), Command: command, Instead: instead}
	}
	return t, nil
}

// completeStacks completes the name of a stack, for shells.
func completeStacks(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	root, err := workspace.Root()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	stacks, err := stackfile.Stacks(root)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return stacks, cobra.ShellCompDirectiveNoFileComp
}

// statusError is the exit status of a command that has already printed the reason.
type statusError struct{ status int }

func (e *statusError) Error() string { return fmt.Sprintf("exit status %d", e.status) }
