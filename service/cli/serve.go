package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"escala/service/serve"
	"escala/service/worker"
)

func serveCommand(p Process, newApp worker.New) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve as one worker (settings come from the environment)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keepName()
			drain, hard, stop := serve.Signals(cmd.Context(), serve.Hangup(p.Getenv)...)
			defer stop()
			return worker.Run(drain, hard, p.Getenv, p.Out, newApp)
		},
	}
}

// keepName sets the process's name to the one by which it was started. A primary
// starts its workers from an open file, so ps would otherwise show the
// descriptor's number.
func keepName() {
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0) // only for display
}
