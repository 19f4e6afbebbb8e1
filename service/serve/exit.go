package serve

import (
	"errors"
	"fmt"
	"io"

	"escala/service"
	"escala/service/logs"
)

// Exit statuses of a program. They tell a supervisor whether a restart can help,
// or whether a person must correct something.
const (
	ExitOK     = 0
	ExitFailed = 1
	// ExitConfig means bad configuration, which a restart cannot correct.
	ExitConfig = 2
)

// UsageError is the error of an invalid command line.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// ExitStatus prints the error to out, one line per problem, and returns the exit
// status. As with the log, a reader that does not read cannot block it.
func ExitStatus(out io.Writer, err error) int {
	if err == nil {
		return ExitOK
	}
	w := logs.NewWriter(out)
	defer w.Flush(LastLines)
	var bad service.Violations
	var usage UsageError
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
