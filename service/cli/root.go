// Package cli implements the binary's command line: its subcommands and exit
// statuses.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"escala/service"
	"escala/service/logs"
	"escala/service/worker"
)

// Exit statuses. They tell a supervisor whether a restart can help or a person
// must correct something.
const (
	ExitOK     = 0
	ExitFailed = 1
	// ExitConfig means bad configuration, which a restart cannot correct.
	ExitConfig = 2
)

// Main runs the command line and returns the exit status.
func Main(newApp worker.New) int {
	return Run(context.Background(), os.Args[1:], Process{
		Getenv: os.Getenv, Out: os.Stdout, Err: os.Stderr,
	}, newApp)
}

// Process holds the parts of its process that a command may use.
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
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	//nolint:contextcheck // serve drains when its context has ended
	root.AddCommand(serveCommand(p, newApp), clusterCommand(p), statusCommand(p), healthCommand(p), versionCommand(p))
	return exitStatus(p.Err, root.ExecuteContext(ctx))
}

// usageError is the error of an invalid command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitStatus prints the error, one line per problem, and returns the exit
// status. Like the log, it does not wait forever for its reader.
func exitStatus(out io.Writer, err error) int {
	if err == nil {
		return ExitOK
	}
	w := logs.NewWriter(out)
	defer w.Flush(lastLines)
	var bad service.Violations
	var usage usageError
	switch {
	case errors.As(err, &bad):
		_, _ = fmt.Fprintf(w, "bad configuration:\n%s\n", bad.Error())
		return ExitConfig
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(w, "%v\n", err)
		return ExitConfig
	default:
		_, _ = fmt.Fprintf(w, "%v\n", err)
		return ExitFailed
	}
}
