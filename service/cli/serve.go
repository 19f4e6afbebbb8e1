package cli

import (
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"escala/service"
	"escala/service/worker"
)

func serveCommand(p Process, newApp worker.New) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve as one worker (settings come from the environment)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keepName()
			drain, hard, stop := signals(cmd.Context(), hangup(p.Getenv)...)
			defer stop()
			return worker.Run(drain, hard, p.Getenv, p.Out, newApp)
		},
	}
}

// hangup is what SIGHUP does. A worker that stands alone drains: its terminal has
// gone. One under a supervisor ignores it: it asks the primary for a roll, and
// "pkill -HUP api" reaches the workers as well.
func hangup(getenv func(string) string) []os.Signal {
	if getenv(service.EnvSupervised) != "" {
		signal.Ignore(syscall.SIGHUP)
	}
	if signal.Ignored(syscall.SIGHUP) { // by nohup, too
		return nil
	}
	return []os.Signal{syscall.SIGHUP}
}

// keepName gives the process the name by which it was started: a primary starts
// its workers from an open file, and ps would call them by its number.
func keepName() {
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0) // only for the eye
}
