package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"escala/infra/operate"
)

// execCommand returns the command that runs a command where the service runs.
func execCommand(o *opener) *cobra.Command {
	var r operate.ExecRequest
	c := &cobra.Command{
		Use: "exec [-- COMMAND [ARGUMENT...]]", Short: "Open a shell, or run a command, where the service runs",
		Long: `Open a shell, or run a command: as root on the local machine, through Session
Manager on EC2, by SSH on a Droplet whose settings allow it, in a pod's container
on a cluster. The exit status is the command's.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, target, err := o.operate(cmd.Context())
			if err != nil {
				return err
			}
			executor, err := able[operate.Executor](target, "exec", "")
			if err != nil {
				return err
			}
			r.Command = args
			r.In, r.Out, r.Err = os.Stdin, os.Stdout, os.Stderr
			r.Terminal = term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
			err = execute(cmd.Context(), executor, s, r)
			if ended := new(operate.ExitError); errors.As(err, &ended) {
				return &statusError{ended.Status}
			}
			return err
		},
	}
	c.Flags().StringVar(&r.Instance, "instance", "", "pod (default the first that is ready)")
	return c
}

// execute runs the command, and passes the sizes of the terminal on.
func execute(ctx context.Context, executor operate.Executor, s *operate.Stack, r operate.ExecRequest) error {
	if !r.Terminal {
		return executor.Exec(ctx, s, r)
	}
	sizes := make(chan operate.Size, 1)
	r.Sizes = sizes
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	defer signal.Stop(changed)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for {
			if columns, rows, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
				select {
				case sizes <- operate.Size{Columns: columns, Rows: rows}:
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return executor.Exec(ctx, s, r)
}
