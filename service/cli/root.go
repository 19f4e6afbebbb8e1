// Package cli implements the binary's command line: its subcommands and exit
// statuses.
package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"escala/service/serve"
	"escala/service/worker"
)

// Main runs the command line and returns the exit status.
func Main(newApp worker.New) int {
	return Run(context.Background(), os.Args[1:], Process{
		Getenv: os.Getenv, Out: os.Stdout, Err: os.Stderr,
	}, newApp)
}

// Process holds the parts of its own process that a command may use.
type Process struct {
	Getenv   func(string) string
	Out, Err io.Writer
}

// Run is Main with injected dependencies.
func Run(ctx context.Context, args []string, p Process, newApp worker.New) int {
	root := &cobra.Command{
		Use:           "api",
		Short:         "One Go HTTP and WebSocket service",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetArgs(args)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return serve.UsageError{Err: err} })
	//nolint:contextcheck // serve drains when its context has ended
	root.AddCommand(serveCommand(p, newApp), clusterCommand(p), statusCommand(p), healthCommand(p), versionCommand(p))
	return serve.ExitStatus(p.Err, root.ExecuteContext(ctx))
}
