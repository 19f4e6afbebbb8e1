package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"escala/cloudinit/agent"
)

// Supervisord controls Debian's supervisord by XML-RPC on its Unix socket
// ("XML-RPC API Documentation" of Supervisor 4.2).
type Supervisord struct {
	Root Root
	// Program is the name of the workers' program. Count is the number of its
	// slots.
	Program string
	Count   int
	// Noted means that workers note which release they run: the program is without
	// escala's runtime and may be interpreted.
	Noted bool

	// pid and process identify the last supervisord that answered. clean means that
	// it has no orphans.
	pid     int
	process string
	clean   bool
}

var _ agent.Supervisor = (*Supervisord)(nil)

// states maps supervisord's numbers for the states of a process.
var states = map[int]agent.SlotState{
	0: agent.SlotStopped, 10: agent.SlotStarting, 20: agent.SlotRunning, 30: agent.SlotBackoff,
	40: agent.SlotStopping, 100: agent.SlotStopped, 200: agent.SlotFailed,
}

// Faults that mean that there is nothing to do.
const (
	faultAlreadyStarted = 60
	faultNotRunning     = 70
)

func (s *Supervisord) name(slot int) string {
	return fmt.Sprintf("%[1]s:%[1]s_%[2]d", s.Program, slot)
}

// Slots gets all processes in one call.
func (s *Supervisord) Slots(ctx context.Context) ([]agent.Slot, error) {
	answer, err := s.call(ctx, "supervisor.getAllProcessInfo")
	if err != nil {
		return nil, err
	}
	slots := make([]agent.Slot, s.Count)
	seen := 0
	for _, item := range answer.items() {
		number, ok := strings.CutPrefix(item.field("name").text(), s.Program+"_")
		slot, err := strconv.Atoi(number)
		if !ok || err != nil || slot < 0 || slot >= s.Count || item.field("group").text() != s.Program {
			continue
		}
		seen++
		slots[slot].State = states[item.field("state").number()]
		if pid := item.field("pid").number(); pid > 0 {
			program, err := executable(pid)
			if err != nil {
				return nil, err
			}
			slots[slot].Release, slots[slot].Process = s.Root.release(program), processName(pid)
			if s.Noted {
				slots[slot].Release = ""
				if n := s.Root.readNote(slot); n.PID == pid {
					slots[slot].Release = n.Release
				}
			}
			slots[slot].Up = time.Duration(item.field("now").number()-item.field("start").number()) * time.Second
		}
	}
	if seen != s.Count {
		return nil, fmt.Errorf("supervisord has %d of the %d workers' programs", seen, s.Count)
	}
	return slots, nil
}

// Start starts a slot's process.
func (s *Supervisord) Start(ctx context.Context, slot int) error {
	_, err := s.call(ctx, "supervisor.startProcess", s.name(slot), false)
	return ignore(err, faultAlreadyStarted)
}

// Stop asks supervisord to end a slot's process.
func (s *Supervisord) Stop(ctx context.Context, slot int) error {
	_, err := s.call(ctx, "supervisor.stopProcess", s.name(slot), false)
	return ignore(err, faultNotRunning)
}

func ignore(err error, code int) error {
	var f fault
	if errors.As(err, &f) && f.code == code {
		return nil
	}
	return err
}

// Orphans searches the processes, unless an earlier search under the same
// supervisord found none: a worker loses its parent only when its supervisord
// dies.
func (s *Supervisord) Orphans(ctx context.Context) ([]agent.Orphan, error) {
	if s.process == "" || processName(s.pid) != s.process {
		answer, err := s.call(ctx, "supervisor.getPID")
		if err != nil {
			return nil, err
		}
		s.pid, s.clean = answer.number(), false
		s.process = processName(s.pid)
	}
	if s.clean {
		return nil, nil
	}
	if s.Noted {
		return s.Root.notedOrphans(s.pid, s.Count), nil
	}
	orphans, err := s.Root.orphans(s.pid)
	s.clean = err == nil && len(orphans) == 0
	return orphans, err
}

// End asks an orphan to end.
func (s *Supervisord) End(_ context.Context, o agent.Orphan) error {
	return s.signal(o, syscall.SIGTERM)
}

// Kill kills an orphan.
func (s *Supervisord) Kill(_ context.Context, o agent.Orphan) error {
	return s.signal(o, syscall.SIGKILL)
}

// signal first checks that the process id still belongs to the worker.
func (s *Supervisord) signal(o agent.Orphan, sig syscall.Signal) error {
	process, err := os.FindProcess(o.PID)
	if err != nil {
		return fmt.Errorf("looking for process %d: %w", o.PID, err)
	}
	defer func() { _ = process.Release() }()
	if processName(o.PID) != o.Process {
		return nil
	}
	if err := process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signalling process %d: %w", o.PID, err)
	}
	return nil
}

// HandedOver compares the inodes of the two paths.
func (s *Supervisord) HandedOver(context.Context) (bool, error) {
	own, err := os.Lstat(s.Root.path(WorkersSocket))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at the workers' socket: %w", err)
	}
	proxy, err := os.Lstat(s.Root.path(ProxySocket))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at the proxy's socket: %w", err)
	}
	return os.SameFile(own, proxy), nil
}

// HandOver gives this supervisord's socket the path that the proxy connects to.
// The kernel finds a socket by its inode. So the old supervisord's socket works
// under that path until the rename, though its own path is gone.
func (s *Supervisord) HandOver(context.Context) error {
	part := s.Root.path(ProxySocket) + ".new"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("handing over the workers' socket: %w", err)
	}
	if err := os.Link(s.Root.path(WorkersSocket), part); err != nil {
		return fmt.Errorf("handing over the workers' socket: %w", err)
	}
	if err := os.Rename(part, s.Root.path(ProxySocket)); err != nil {
		return fmt.Errorf("handing over the workers' socket: %w", err)
	}
	return nil
}
