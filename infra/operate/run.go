package operate

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"escala/service"
)

// Runner runs the command of one of the service's processes or schedules once, now,
// with the release that serves, and returns when it ends. The error of a command
// that ends with another status than 0 is an ExitError. The end of the context ends
// the command.
type Runner interface {
	Run(ctx context.Context, s *Stack, r RunRequest) error
}

// RunRequest names a process or a schedule.
type RunRequest struct {
	Name string
	// In, Out, Err and Terminal are as in ExecRequest. The command gets no input.
	In       *os.File
	Out, Err io.Writer
	Terminal bool
}

// Check returns an error if the service has no task of the name. The error lists the
// tasks.
func (r RunRequest) Check(spec service.Spec) error {
	names := spec.TaskNames()
	for _, name := range names {
		if name == r.Name {
			return nil
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%.80q cannot be run: the stack's file has neither service.processes nor service.schedule", r.Name)
	}
	return fmt.Errorf("%.80q is none of the processes and schedules in the stack's file: %s", r.Name, strings.Join(names, ", "))
}

// RunOnMachine runs a task with the machine's own program.
func RunOnMachine(ctx context.Context, e Executor, s *Stack, agent string, r RunRequest) error {
	return e.Exec(ctx, s, ExecRequest{
		Command: []string{agent, "task", r.Name}, In: r.In, Out: r.Out, Err: r.Err, Terminal: r.Terminal,
	})
}
