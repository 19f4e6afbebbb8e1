package cli

import (
	"errors"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"escala/infra/operate"
)

// runCommand returns the command that runs one of the service's processes or
// schedules once.
func runCommand(o *opener) *cobra.Command {
	var r operate.RunRequest
	c := &cobra.Command{
		Use: "run --name NAME", Short: "Run the command of a process or a schedule once, now",
		Long: `Run the command of one of service.processes or service.schedule once, with the
release that serves, and show its output: in the local machine, through Session
Manager on EC2, by SSH on a Droplet whose settings allow it, in a Job on a cluster.
The exit status is the command's. Ctrl-C ends the command.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, target, err := o.operate(cmd.Context())
			if err != nil {
				return err
			}
			if err := r.Check(s.Spec); err != nil {
				return err
			}
			runner, err := able[operate.Runner](target, "run", "")
			if err != nil {
				return err
			}
			r.Out, r.Err = os.Stdout, os.Stderr
			if r.Terminal = term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())); r.Terminal {
				r.In = os.Stdin // Ctrl-C reaches the machine by the terminal
			}
			err = runner.Run(cmd.Context(), s, r)
			if ended := new(operate.ExitError); errors.As(err, &ended) {
				return &statusError{ended.Status}
			}
			return err
		},
	}
	c.Flags().StringVar(&r.Name, "name", "", "the process or schedule")
	_ = c.MarkFlagRequired("name")
	return c
}
