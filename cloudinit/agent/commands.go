package agent

import (
	"context"

	"escala/service"
)

// Commands runs release commands on the machine, one at a time. A command continues
// when the agent ends, and ends with the machine.
type Commands interface {
	// Start starts the command of a run and does not wait for its end. It never
	// starts the same run twice. program is the release's binary, or the folder of
	// its files.
	Start(ctx context.Context, run CommandRun, program string) error
	// Last returns the last run that was started on this machine. A run that the
	// machine did not survive may be missing.
	Last(ctx context.Context) (CommandState, error)
	// Boot returns the id of the machine's boot.
	Boot() string
}

// CommandRun is one run of the command of a release. Each update that asks for the
// release asks for a run, unless an earlier run has succeeded.
type CommandRun struct {
	Release service.ReleaseID `json:"release"`
	// Command and RequestedAt are as in service.Wanted.
	Command     string `json:"command"`
	RequestedAt int64  `json:"asked"`
}

// CommandState is the state of a run on this machine. It is the zero value if there
// was none.
type CommandState struct {
	CommandRun
	// Running means that the command runs.
	Running bool
	// End is the end of the command. It is nil if the command runs, and if it was
	// cut off so that no end is known.
	End *CommandEnd
}

// CommandEnd is the end of a command.
type CommandEnd struct {
	// Status is the exit status, in a shell's form.
	Status int `json:"status"`
	// Reason is what ended the command, if it did not end by itself.
	Reason CommandReason `json:"reason,omitempty"`
	// Output is the command's last output.
	Output string `json:"output"`
}

// CommandReason is the reason why a command did not end by itself.
type CommandReason string

// The reasons.
const (
	// CommandTimedOut means that the command took longer than Config.ReleaseTimeout.
	CommandTimedOut CommandReason = "timeout"
	// CommandOutOfMemory means that the command used more than Config.MemoryMiB.
	CommandOutOfMemory CommandReason = "memory"
	// CommandNotStarted means that the command could not be started.
	CommandNotStarted CommandReason = "start"
	// CommandShutDown means that the machine was shut down.
	CommandShutDown CommandReason = "shutdown"
)
