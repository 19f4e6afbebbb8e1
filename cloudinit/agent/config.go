package agent

import (
	"errors"
	"fmt"
	"time"

	"escala/service"
	"escala/service/cron"
)

// Config is the agent's configuration. The machine has it as a JSON file.
type Config struct {
	// Name is the name of the service, its binary and its supervisor program.
	Name string `json:"name"`
	// User is the account that the workers run as.
	User    string              `json:"user"`
	Workers int                 `json:"workers"`
	Mode    service.WorkersMode `json:"mode"`
	// Runtime is service.RuntimeNone for a program without escala's runtime.
	// Otherwise it is empty.
	Runtime service.Runtime `json:"runtime,omitempty"`
	// Command starts the program in the folder of its release. It is empty for
	// service.RuntimeEscala without a command of its own.
	Command []string `json:"command,omitempty"`
	// ReleaseCommand prepares a release before its first worker starts. Its first
	// word is the program, as in service.ReleaseCommand. It is empty if there is
	// none. ReleaseTimeout is the time after which it is killed.
	ReleaseCommand []string `json:"releaseCommand,omitempty"`
	ReleaseTimeout Duration `json:"releaseTimeout,omitempty"`
	// Packages means that the program needs packages of its own, which the
	// machine's setup installs.
	Packages bool `json:"packages,omitempty"`
	// PortsBase is the first worker's port in WorkersPorts mode.
	PortsBase  int    `json:"portsBase,omitempty"`
	HealthPath string `json:"healthPath"`
	ReadyPath  string `json:"readyPath"`
	// Start, Steady and Stop are as in service.Lifecycle.
	Start  Duration `json:"start"`
	Steady Duration `json:"steady"`
	Stop   Duration `json:"stop"`
	// Idle is the time after which the proxy closes an idle connection to a worker
	// (service.Lifecycle.UpstreamIdle).
	Idle Duration `json:"idle,omitempty"`
	// Drain is as in service.Lifecycle. It is only set for a program without
	// escala's runtime.
	Drain Duration `json:"drain,omitempty"`
	// Poll is the time between two checks of the release store.
	Poll Duration `json:"poll"`
	// MemoryMiB is the memory that one worker may use.
	MemoryMiB int `json:"memoryMiB"`
	// Counted means that the proxy counts its answers, so that releases can be
	// watched.
	Counted bool `json:"counted,omitempty"`
	// Kept is the number of releases that stay on the disk.
	Kept int `json:"kept"`
	// Metrics means that the agent answers the proxy's scrapers.
	Metrics bool `json:"metrics,omitempty"`
	// Processes and Schedules are the service's, in the order of their names.
	Processes []Process  `json:"processes,omitempty"`
	Schedules []Schedule `json:"schedules,omitempty"`
}

// Validate reports all errors of the configuration.
func (c Config) Validate() error {
	var v service.Violations
	if c.Name == "" {
		v.Add("name", "is empty")
	}
	if c.User == "" {
		v.Add("user", "is empty")
	}
	if c.Workers < 1 {
		v.Add("workers", "%d is not 1 or more", c.Workers)
	}
	if c.Mode != service.WorkersShared && c.Mode != service.WorkersPorts {
		v.Add("mode", "%q is not %q or %q", c.Mode, service.WorkersShared, service.WorkersPorts)
	}
	if c.Runtime == service.RuntimeNone && (c.Mode != service.WorkersPorts || len(c.Command) == 0 || c.Drain <= 0) {
		v.Add("runtime", "is %q, which needs the mode %q, a command and a drain", c.Runtime, service.WorkersPorts)
	}
	for _, d := range []struct {
		path  string
		value Duration
	}{{"start", c.Start}, {"stop", c.Stop}, {"poll", c.Poll}} {
		if d.value <= 0 {
			v.Add(d.path, "%s is not above 0", time.Duration(d.value))
		}
	}
	for _, p := range c.Processes {
		if p.Name == "" || len(p.Command) == 0 || p.Count < 1 || p.Stop <= 0 {
			v.Add("processes", "%q has no name, command, count or stop", p.Name)
		}
	}
	for _, s := range c.Schedules {
		if _, err := cron.Parse(s.Cron); s.Name == "" || len(s.Command) == 0 || err != nil {
			v.Add("schedules", "%q has no name, command or times", s.Name)
		}
	}
	if len(c.ReleaseCommand) > 0 && c.ReleaseTimeout <= 0 {
		v.Add("releaseTimeout", "%s is not above 0", time.Duration(c.ReleaseTimeout))
	}
	if c.Kept < 2 {
		v.Add("kept", "%d is not 2 or more: the running release and the one before", c.Kept)
	}
	return v.Err()
}

// Slots returns the number of the supervisor's programs for the workers. With a
// shared socket, and behind a Proxy, each worker has two slots, so that a new
// process can start beside the old one: worker n has the slots n and n+Workers.
// Another worker with its own port has one slot.
func (c Config) Slots() int {
	if c.Mode == service.WorkersShared || c.Runtime == service.RuntimeNone {
		return 2 * c.Workers
	}
	return c.Workers
}

// Worker returns the number of the worker to which a slot belongs.
func (c Config) Worker(slot int) int { return slot % c.Workers }

// Duration is a time.Duration that is text in JSON, such as "15s".
type Duration time.Duration

// Duration returns d as a time.Duration.
func (d Duration) Duration() time.Duration { return time.Duration(d) }

// MarshalText writes the duration as text.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("reading a duration: %w", err)
	}
	if parsed < 0 {
		return errors.New("reading a duration: it is negative")
	}
	*d = Duration(parsed)
	return nil
}
