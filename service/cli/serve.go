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

// hangup returns the signals that drain the worker besides SIGTERM and SIGINT.
// A worker without a supervisor drains on SIGHUP, because its terminal has
// closed. A worker under a supervisor ignores SIGHUP: it is a request for a
// roll to the primary, and "pkill -HUP api" reaches the workers as well.
func hangup(getenv func(string) string) []os.Signal {
	if getenv(service.EnvSupervised) != "" {
		signal.Ignore(syscall.SIGHUP)
	}
	if signal.Ignored(syscall.SIGHUP) { // nohup also does this
		return nil
	}
	return []os.Signal{syscall.SIGHUP}
}

// keepName gives the process the name by which it was started. A primary starts
// its workers from an open file, so ps would show the descriptor's number.
func keepName() {
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0) // only for display
}
