// Package cli is the command line of the binary: which subcommand does what,
// and which exit status means what.
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

// The exit statuses. Supervisors tell "try again" from "a person has to mend
// this" by them.
const (
	ExitOK     = 0
	ExitFailed = 1
	// ExitConfig is for bad configuration: starting again cannot help.
	ExitConfig = 2
)

// Main runs the command line and returns the exit status.
func Main(newApp worker.New) int {
	return Run(context.Background(), os.Args[1:], Process{
		Getenv: os.Getenv, Out: os.Stdout, Err: os.Stderr,
	}, newApp)
}

// Process is what a command may use of its process.
type Process struct {
	Getenv   func(string) string
	Out, Err io.Writer
}

// Run is Main with everything injected.
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

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitStatus reports the error, one line per problem, and returns the exit
// status. Like the log, it does not wait for ever for its reader.
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
