package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"escala/service/worker"
)

func serveCommand(p Process, newApp worker.New) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve as one worker (settings come from the environment)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
