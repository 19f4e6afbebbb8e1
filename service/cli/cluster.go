package cli

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"escala/service/config"
	"escala/service/logs"
	"escala/service/memlimit"
	"escala/service/prefork"
	"escala/service/serve"
)

func clusterCommand(p Process) *cobra.Command {
	return &cobra.Command{
		Use:   "cluster",
		Short: "Run several workers on one socket (SIGHUP replaces them one by one)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.ReadPrefork(p.Getenv)
			if err != nil {
				return err
			}
			path, err := executable()
			if err != nil {
				return err
			}
			drain, hard, stop := serve.Signals(cmd.Context())
			defer stop()
			roll := make(chan struct{}, 1)
			defer onHangup(roll)()
			lines := logs.NewWriter(p.Out)
			defer lines.Flush(serve.LastLines)
			log := logs.New(lines, c.Worker.LogLevel).With(slog.String("role", "primary"))
			err = prefork.Run(drain, hard, roll, prefork.Options{
				Config: c, Executable: path, Args: []string{"serve"},
				Environ: memoryShare(p.Getenv, c.Workers), Out: p.Out, Err: p.Err, Log: log,
			})
			if err != nil {
				log.Error("primary failed", slog.Any("error", err))
			}
			return err
		},
	}
}

// executable returns the path by which this program was started, and not the
// running file: after an installation, a roll starts the new file at that path.
func executable() (string, error) {
	path, err := exec.LookPath(os.Args[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", fmt.Errorf("finding the executable for the workers: %w", err)
	}
	return path, nil
}

// memoryShare divides the container's memory among the workers, unless
// GOMEMLIMIT sets the limit of each worker.
func memoryShare(getenv func(string) string, workers int) []string {
	limit, ok := memlimit.Container()
	if getenv("GOMEMLIMIT") != "" || !ok {
		return nil
	}
	return []string{fmt.Sprintf("GOMEMLIMIT=%d", memlimit.Heap(limit)/int64(workers))}
}

// onHangup turns each SIGHUP into a request for a roll. Several SIGHUPs during
// a roll become one request. The returned function stops it.
func onHangup(roll chan<- struct{}) (stop func()) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ch:
			}
			select {
			case roll <- struct{}{}:
			default:
			}
		}
	}()
	return func() {
		signal.Stop(ch)
		close(done)
	}
}
