package operate

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"escala/service/event"
)

// StatusReporter reports the status of a stack. It returns what it knows within the
// context's deadline. What cannot be queried is in Status.Unknown, and is not an
// error.
type StatusReporter interface {
	Status(ctx context.Context, s *Stack) (Status, error)
}

// Eventer lists the events that the platform recorded of the stack itself:
// incidents, refusals, reboots, certificates. Updates are in the state's history,
// which is the same for all targets.
type Eventer interface {
	Events(ctx context.Context, s *Stack, since time.Time) ([]event.Event, error)
}

// Logger reads the logs of the service's workers or pods, and of the programs that
// run them.
type Logger interface {
	// Logs passes the selected lines to emit, oldest first, until emit returns an
	// error. The error of an unknown source lists the sources.
	Logs(ctx context.Context, s *Stack, r LogsRequest, emit func(Line) error) error
}

// LogsRequest selects log lines.
type LogsRequest struct {
	// Source is a worker ("worker-0"), a pod's name, one of the machine's units
	// ("nginx", "escala-agent"), or a component on a cluster ("release-command",
	// "process-mailer"). "" selects all workers or pods of the service.
	Source string
	// Since is the time of the oldest line. Zero selects the last lines.
	Since time.Time
	// Lines is the number of last lines of each source, if Since is zero.
	Lines int
	// Contains selects the lines with this text. It is not a pattern.
	Contains string
	// Follow continues until the context ends.
	Follow bool
	// Previous selects the container before the last restart, on a cluster.
	Previous bool
}

// Line is a line of a log. Its JSON is what `logs --json` prints.
type Line struct {
	Source string `json:"source"`
	// Time is zero if the line has none.
	Time time.Time `json:"time,omitzero"`
	// Text is the logged text, unchanged. It may contain what a terminal acts on.
	Text string `json:"text"`
}

// Executor runs a command where the service runs.
type Executor interface {
	// Exec returns an ExitError for a command that ends with another status than 0.
	Exec(ctx context.Context, s *Stack, r ExecRequest) error
}

// ExecRequest is a command to run.
type ExecRequest struct {
	// Instance is a machine's id or a pod's name. "" selects the first.
	Instance string
	// Command is the program with its arguments. Empty asks for a shell.
	Command []string
	// In, Out and Err are the command's streams. Terminal reports whether In and Out
	// are a terminal, and Sizes are then its sizes.
	In       *os.File
	Out, Err io.Writer
	Terminal bool
	Sizes    <-chan Size
}

// Size is the size of a terminal.
type Size struct{ Columns, Rows int }

// ExitError is the exit status of a command that ran.
type ExitError struct{ Status int }

func (e *ExitError) Error() string { return fmt.Sprintf("the command ended with status %d", e.Status) }

// Restarter replaces all workers, one after the other, without a new release.
type Restarter interface {
	// Restart returns once all workers are new. It reports its progress to report.
	Restart(ctx context.Context, s *Stack, report func(string)) error
}

// Maintainer begins and ends a maintenance: requests are answered with a page
// instead of the service.
type Maintainer interface {
	// Maintain returns once the machines have applied the change. A machine that is
	// created later applies it too.
	Maintain(ctx context.Context, s *Stack, m Maintenance, report func(string)) error
}

// Maintenance is a change of a stack's maintenance.
type Maintenance struct {
	On bool
	// Page is HTML. Empty stands for a plain page.
	Page []byte
}

// UnsupportedError means that a target does not support a command.
type UnsupportedError struct{ Target, Command, Instead string }

func (e *UnsupportedError) Error() string {
	message := fmt.Sprintf("target %s does not support %q", e.Target, e.Command)
	if e.Instead != "" {
		message += "; " + e.Instead
	}
	return message
}
