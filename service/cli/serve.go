package cli

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"escala/service/worker"
)

func serveCommand(p Process, newApp worker.New) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve as one worker (settings come from the environment)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keepName()
			drain, hard, stop := signals(cmd.Context())
			defer stop()
			err := worker.Run(drain, hard, p.Getenv, p.Out, newApp)
			if err != nil {
				slog.Error("worker failed", slog.Any("error", err))
			}
			return err
		},
	}
}

// keepName gives the process the name by which it was started: a primary starts
// its workers from an open file, and ps would call them by its number.
func keepName() {
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0) // only for the eye
}
