package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"escala/service/serve"
	"escala/service/status"
)

// errNotReady sets the exit status for scripts if a worker is not ready.
var errNotReady = errors.New("not every worker is ready")

func statusCommand(p Process) *cobra.Command {
	var (
		dir    string
		asJSON bool
		watch  time.Duration
	)
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the workers of this machine: of api cluster, or of a supervisor",
		Long: "Show the workers of this machine, as a table or as JSON. The exit status is 0\n" +
			"when every worker is ready.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				dir = status.DefaultDir(p.Getenv)
			}
			if watch == 0 {
				return showStatus(cmd.Context(), p.Out, dir, asJSON)
			}
			ctx, _, stop := serve.Signals(cmd.Context())
			defer stop()
			for ctx.Err() == nil {
				if err := showStatus(ctx, p.Out, dir, asJSON); err != nil && !errors.Is(err, errNotReady) {
					return err
				}
				select {
				case <-ctx.Done():
				case <-time.After(watch):
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory of the workers' sockets (default: "+status.EnvRunDir+" or /run/api)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().DurationVar(&watch, "watch", 0, "show again after this time, until interrupted")
	return cmd
}

func showStatus(ctx context.Context, w io.Writer, dir string, asJSON bool) error {
	c, err := status.ReadDir(ctx, dir)
	if err != nil {
		return err
	}
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		err = e.Encode(c)
	} else {
		err = status.WriteTable(w, c)
	}
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	for _, one := range c.Workers {
		if !one.Ready {
			return errNotReady
		}
	}
	return nil
}
