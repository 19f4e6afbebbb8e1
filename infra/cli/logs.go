package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"escala/infra/deploy"
	"escala/infra/operate"
)

const logsHelp = `Print the logs of the service's workers or pods, and of what runs them.

Each line begins with its source. --source takes one of them: worker-0, a pod's
name, nginx, escala-agent; on clusters also release-command (its last run),
process-NAME, schedule-NAME (its last run) or redis. Without --since, the last
lines of each source are printed. On a terminal, escape sequences in the logs are
shown and not obeyed; in a pipe and with --json the lines are as they were logged.`

// logsCommand returns the command that prints and follows logs.
func logsCommand(o *opener) *cobra.Command {
	var r operate.LogsRequest
	var since string
	var asJSON bool
	c := operateCommand{
		use: "logs", short: "Print the logs of the workers or pods", long: logsHelp,
		run: func(cmd *cobra.Command, s *operate.Stack, target deploy.Target, _ []string) error {
			logger, err := able[operate.Logger](target, "logs", "")
			if err != nil {
				return err
			}
			if since != "" {
				if r.Since, err = sinceTime(since, time.Now()); err != nil {
					return err
				}
			}
			out := bufio.NewWriterSize(os.Stdout, 64<<10)
			err = logger.Logs(cmd.Context(), s, r, lineWriter(out, asJSON, term.IsTerminal(int(os.Stdout.Fd()))))
			if flushed := out.Flush(); err == nil {
				err = flushed
			}
			if errors.Is(err, context.Canceled) && r.Follow {
				return nil // Ctrl-C ends the following
			}
			return err
		},
	}.command(o)
	flags := c.Flags()
	flags.StringVar(&r.Source, "source", "", "print one source: worker-0, a pod's name, nginx, escala-agent, release-command")
	flags.StringVar(&since, "since", "", "print lines from this time on: 15m, 2h, 2026-01-02T15:04:05Z")
	flags.IntVar(&r.Lines, "lines", 20, "number of last lines of each source, without --since")
	flags.StringVar(&r.Contains, "grep", "", "print lines that contain this text (no pattern)")
	flags.BoolVarP(&r.Follow, "follow", "f", false, "continue with new lines until Ctrl-C")
	flags.BoolVar(&r.Previous, "previous", false, "print the containers before their last restart (clusters)")
	flags.BoolVar(&asJSON, "json", false, "print each line as JSON")
	return c
}

// lineWriter returns a function that writes lines to out, and flushes out when they
// come slowly.
func lineWriter(out *bufio.Writer, asJSON, terminal bool) func(operate.Line) error {
	var flushed time.Time
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return func(line operate.Line) error {
		err := writeLine(out, encoder, line, asJSON, terminal)
		if err == nil && time.Since(flushed) > 100*time.Millisecond {
			flushed, err = time.Now(), out.Flush()
		}
		return err
	}
}

func writeLine(out io.Writer, encoder *json.Encoder, line operate.Line, asJSON, terminal bool) error {
	if asJSON {
		return encoder.Encode(line)
	}
	text := line.Text
	if terminal {
		text = operate.Visible(text)
	}
	_, err := fmt.Fprintf(out, "%s  %s\n", operate.Visible(line.Source), text)
	return err
}
