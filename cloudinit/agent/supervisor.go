package agent

import (
	"context"
	"time"

	"escala/service"
)

// SlotState is what the supervisor does with a slot.
type SlotState string

// The states of a slot.
const (
	// SlotStopped: nothing runs, and the supervisor leaves it at that.
	SlotStopped SlotState = "stopped"
	// SlotStarting: the process was started a moment ago.
	SlotStarting SlotState = "starting"
	SlotRunning  SlotState = "running"
	// SlotBackoff: the process ended at its start, and is started again.
	SlotBackoff SlotState = "backoff"
	// SlotStopping: the process was told to end.
	SlotStopping SlotState = "stopping"
	// SlotFailed: the supervisor has given up starting it.
	SlotFailed SlotState = "failed"
)

// Slot is one of the supervisor's programs.
type Slot struct {
	State SlotState
	// Up is how long the process runs.
	Up time.Duration
	// Release is the one whose binary the process runs; "" while it is about to
	// run one.
	Release service.ReleaseID
	// Process names the process: no two have the same name until the machine is
	// started again. "" where there is none.
	Process string
}

// Alive reports whether a process runs that was not told to end.
func (s Slot) Alive() bool { return s.State == SlotStarting || s.State == SlotRunning }

// Down reports whether the slot is empty and stays so.
func (s Slot) Down() bool { return s.State == SlotStopped || s.State == SlotFailed }

// Orphan is a worker whose supervisor has died. It serves on.
type Orphan struct {
	PID     int
	Slot    int
	Process string // as in Slot
}

// Supervisor starts the workers, and starts those again that die.
type Supervisor interface {
	// Slots returns the slots in their order. An error means that there is no
	// supervisor at the moment.
	Slots(ctx context.Context) ([]Slot, error)
	// Start asks for a slot's process to be started, and Stop for it to be told
	// to end, and to be killed after service.Lifecycle.Stop. Neither waits.
	Start(ctx context.Context, slot int) error
	Stop(ctx context.Context, slot int) error

	// Orphans are the workers of supervisors that have died.
	Orphans(ctx context.Context) ([]Orphan, error)
	// End tells an orphan to end, and Kill kills it.
	End(ctx context.Context, o Orphan) error
	Kill(ctx context.Context, o Orphan) error

	// HandedOver reports whether the proxy reaches this supervisor's socket.
	// While it does not, it reaches the orphans'. HandOver makes it so, without a
	// moment in which it reaches neither. Workers with ports of their own need no
	// hand-over.
	HandedOver(ctx context.Context) (bool, error)
	HandOver(ctx context.Context) error
}
