package operate

import (
	"context"
	"fmt"
	"io"
	"time"

	"escala/infra/operate/event"
)

// Statuser reports how a stack is. It returns what it knows within the context's
// deadline: what cannot be asked is in Status.Unknown, and not an error.
type Statuser interface {
	Status(ctx context.Context, s *Stack) (Status, error)
}

// Eventer lists what the platform recorded of the stack itself: incidents,
// refusals, reboots, certificates. Updates are in the state's history, which is
// the same for all targets.
type Eventer interface {
	Events(ctx context.Context, s *Stack, since time.Time) ([]event.Event, error)
}

// Logger writes the logs of the service's workers or pods.
type Logger interface {
	Logs(ctx context.Context, s *Stack, r LogsRequest, out io.Writer) error
}

// LogsRequest selects log lines.
type LogsRequest struct {
	// Instance is a worker's number or a pod's name. "" selects all.
	Instance string
	// Since is the time of the oldest line. Zero selects the last lines.
	Since time.Time
	// Lines is the number of last lines of each instance. 0 has no limit.
	Lines int
	// Follow continues until the context ends.
	Follow bool
}

// Executor runs a command where the service runs.
type Executor interface {
	Exec(ctx context.Context, s *Stack, r ExecRequest) error
}

// ExecRequest is a command to run.
type ExecRequest struct {
	// Instance is a machine's id or a pod's name. "" selects the first.
	Instance string
	// Command is the program with its arguments. Empty asks for a shell.
	Command []string
	// In, Out and Err are the command's. Terminal reports whether they are one.
	In       io.Reader
	Out, Err io.Writer
	Terminal bool
}

// Restarter replaces all workers, one after the other, without a new release.
type Restarter interface {
	Restart(ctx context.Context, s *Stack, report func(string)) error
}

// Maintainer answers requests with a page instead of the service, or ends that.
type Maintainer interface {
	Maintain(ctx context.Context, s *Stack, on bool) error
}

// NoWayError reports that a target has no way for a word.
type NoWayError struct{ Target, Word, Instead string }

func (e *NoWayError) Error() string {
	message := fmt.Sprintf("target %s has no way to do %q", e.Target, e.Word)
	if e.Instead != "" {
		message += "; " + e.Instead
	}
	return message
}
