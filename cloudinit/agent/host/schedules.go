package host

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"strconv"
	"syscall"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/instance"
	"escala/cloudinit/agent/sigv4"
	"escala/cloudinit/agent/store"
)

// ScheduleUnit returns the unit of a schedule's runs.
func ScheduleUnit(name string) string { return "escala-schedule-" + name + ".service" }

// ScheduleTimer returns the unit of a schedule's times.
func ScheduleTimer(name string) string { return "escala-schedule-" + name + ".timer" }

// ScheduleDue returns the unit that the timer starts if a run replaces the one
// before.
func ScheduleDue(name string) string { return "escala-schedule-" + name + "-due.service" }

// Schedules are timers of systemd.
type Schedules struct{ Names []string }

var _ agent.Schedules = Schedules{}

// StartTimers starts the timers.
func (s Schedules) StartTimers(ctx context.Context) error {
	args := []string{"start", "--no-block"}
	for _, name := range s.Names {
		args = append(args, ScheduleTimer(name))
	}
	_, err := systemctl(ctx, args...)
	return err
}

// claims stores the claims as objects that all machines of the stack share.
type claims struct{ shared *store.Shared }

var _ agent.Claims = claims{}

// claimLimit is more than the size of any claim, in bytes.
const claimLimit = 4 << 10

func claimKey(schedule string) string { return store.SchedulesPrefix + schedule + ".json" }

func (c claims) Read(ctx context.Context, schedule string) (agent.Claim, error) {
	content, err := c.shared.Read(ctx, claimKey(schedule), claimLimit)
	// S3 answers "access denied" for an object that does not exist to a role that
	// may not list the bucket.
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied) {
		return agent.Claim{}, nil
	}
	if err != nil {
		return agent.Claim{}, err
	}
	var claim agent.Claim
	if err := json.Unmarshal(content, &claim); err != nil {
		return agent.Claim{}, nil //nolint:nilerr // nothing that a machine wrote: it is none
	}
	return claim, nil
}

func (c claims) Write(ctx context.Context, schedule string, claim agent.Claim) error {
	content, err := json.Marshal(claim)
	if err != nil {
		return fmt.Errorf("writing a claim: %w", err)
	}
	return c.shared.Write(ctx, claimKey(schedule), content)
}

// scheduler returns the scheduler of one schedule.
func (r Root) scheduler(name string) (*agent.Scheduler, Config, error) {
	config, err := r.Config()
	if err != nil {
		return nil, config, err
	}
	for _, schedule := range config.Schedules {
		if schedule.Name != name {
			continue
		}
		key, err := r.StoreKey()
		if err != nil {
			return nil, config, err
		}
		access := store.Access{Role: instance.NewRole(instance.NewEC2(config.Metadata)), Key: sigv4.Key(key)}
		shared, err := config.Store.OpenShared(access)
		if err != nil {
			return nil, config, err
		}
		return &agent.Scheduler{
			Schedule: schedule, Disk: Disk(r), Clock: NewClock(), Claims: claims{shared},
			Log:     slog.New(slog.NewTextHandler(os.Stderr, nil)),
			Machine: cmp.Or(r.MachineID(), "unknown"), Boot: bootID(), NewID: rand.Text,
		}, config, nil
	}
	return nil, config, fmt.Errorf("this machine has no schedule %q", name)
}

// RunSchedule replaces this process by a run of a schedule's command, if one is
// due.
func (r Root) RunSchedule(ctx context.Context, name string) error {
	s, config, err := r.scheduler(name)
	if err != nil {
		return err
	}
	lock, err := r.lockTask(name)
	if err != nil {
		return err
	}
	if !lock {
		s.Log.Warn("no run: one that was started by hand still goes on", "schedule", name)
		return s.Skip()
	}
	release, err := s.Begin(ctx)
	if err != nil || release == "" {
		return err
	}
	s.Log.Info("the run begins", "schedule", name, "release", release.Short())
	folder := r.path(path.Join(releasesFolder, string(release)))
	return r.become(config.Config, task{command: s.Schedule.Command, memoryMiB: s.Schedule.MemoryMiB, folder: folder})
}

// EndSchedule records how a run ended. systemd passes that in the environment of
// ExecStopPost= (systemd.exec(5)).
func (r Root) EndSchedule(name string, getenv func(string) string) error {
	s, _, err := r.scheduler(name)
	if err != nil {
		return err
	}
	return s.End(statusOf(getenv("EXIT_CODE"), getenv("EXIT_STATUS")), getenv("SERVICE_RESULT"))
}

// signals are the signals that end a process in practice, by the names that
// systemd gives them.
var signals = map[string]int{
	"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "BUS": 7, "FPE": 8, "KILL": 9, "SEGV": 11, "PIPE": 13, "ALRM": 14, "TERM": 15,
}

// statusOf returns the exit status in a shell's form.
func statusOf(code, status string) int {
	if code == "exited" {
		n, _ := strconv.Atoi(status)
		return n
	}
	if n, ok := signals[status]; ok {
		return 128 + n
	}
	return 0
}

const taskLocks = "/run/escala-release/tasks"

// lockTask makes sure that this process and those that it starts or becomes are
// the only run of a schedule. It returns false if there is another one.
func (r Root) lockTask(name string) (bool, error) {
	file := r.path(path.Join(taskLocks, name+".lock"))
	if err := os.MkdirAll(path.Dir(file), 0o755); err != nil {
		return false, fmt.Errorf("locking %s: %w", name, err)
	}
	// The file stays open when this process becomes the command.
	fd, err := syscall.Open(file, syscall.O_RDONLY|syscall.O_CREAT, 0o600)
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", name, err)
	}
	err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", name, err)
	}
	return true, nil
}
