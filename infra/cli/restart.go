package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"escala/infra/deploy"
	"escala/infra/operate"
)

// restartCommand returns the command that replaces all workers without a release.
func restartCommand(o *opener) *cobra.Command {
	return operateCommand{
		use: "restart", short: "Replace all workers by new processes, without losing a request",
		long: `Replace all workers or pods by new ones of the same release, one after the other
as a release does. New workers read the secrets again.`,
		run: func(cmd *cobra.Command, s *operate.Stack, target deploy.Target, _ []string) error {
			restarter, err := able[operate.Restarter](target, "restart", "")
			if err != nil {
				return err
			}
			return restarter.Restart(cmd.Context(), s, reportTo(os.Stderr))
		},
	}.command(o)
}

// reportTo returns a function that writes each report as a line.
func reportTo(f *os.File) func(string) {
	return func(text string) { fmt.Fprintln(f, text) }
}
