package agent

import (
	"context"
	"time"

	"escala/service"
)

// SlotState is the supervisor's state of a slot.
type SlotState string

// The states of a slot.
const (
	// SlotStopped means that no process runs, and that the supervisor starts none.
	SlotStopped SlotState = "stopped"
	// SlotStarting means that the process started a moment ago.
	SlotStarting SlotState = "starting"
	SlotRunning  SlotState = "running"
	// SlotBackoff means that the process ended during its start. The supervisor
	// starts it again.
	SlotBackoff SlotState = "backoff"
	// SlotStopping means that the process was told to end.
	SlotStopping SlotState = "stopping"
	// SlotFailed means that the supervisor no longer tries to start the process.
	SlotFailed SlotState = "failed"
)

// Slot is one of the supervisor's programs.
type Slot struct {
	State SlotState
	// Up is the time since the process started.
	Up time.Duration
	// Release is the release of the process's binary. It is "" until the
	// process runs the binary.
	Release service.ReleaseID
	// Process is the unique name of the process until the machine reboots. ""
	// if there is no process.
	Process string
}

// Alive reports whether a process runs and was not told to end.
func (s Slot) Alive() bool { return s.State == SlotStarting || s.State == SlotRunning }

// Down reports whether the slot is empty and stays empty.
func (s Slot) Down() bool { return s.State == SlotStopped || s.State == SlotFailed }

// Orphan is a worker whose supervisor has died. It keeps serving.
type Orphan struct {
	PID     int
	Slot    int
	Process string // as in Slot
}

// Supervisor starts the workers, and restarts them when they die.
type Supervisor interface {
	// Slots returns the slots in their order. An error means that the
	// supervisor is not running.
	Slots(ctx context.Context) ([]Slot, error)
	// Start asks the supervisor to start a slot's process. Stop asks it to end
	// the process, and to kill it after service.Lifecycle.Stop. Neither waits.
	Start(ctx context.Context, slot int) error
	Stop(ctx context.Context, slot int) error

	// Orphans are the workers of supervisors that have died.
	Orphans(ctx context.Context) ([]Orphan, error)
	// End asks an orphan to end. Kill kills it.
	End(ctx context.Context, o Orphan) error
	Kill(ctx context.Context, o Orphan) error

	// HandedOver reports whether the proxy connects to this supervisor's
	// socket. If not, it connects to the orphans' socket. HandOver switches the
	// proxy to this supervisor, without a moment in which it reaches neither.
	// Workers with their own ports need no hand-over.
	HandedOver(ctx context.Context) (bool, error)
	HandOver(ctx context.Context) error
}
