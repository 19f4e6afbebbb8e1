package host

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/logs"
	"escala/cloudinit/agent/request"
	"escala/cloudinit/agent/store"
)

// listener returns the listener that answers the operator's requests on this
// machine.
func (r Root) listener(config Config, a *agent.Agent, releases store.Store, m maintenance) *request.Listener {
	return &request.Listener{
		Operator:  config.Operator,
		MachineID: a.MachineID,
		Objects:   releases,
		Answers:   releases,
		Machine:   requested{Agent: a, maintenance: m, logs: r.Logs(config.Config)},
		Clock:     a.Clock,
		Log:       a.Log,
		Interval:  time.Duration(config.Poll),
	}
}

// requested carries out what an operator may ask of this machine.
type requested struct {
	*agent.Agent
	maintenance
	logs logs.Reader
}

var _ request.Machine = requested{}

func (r requested) Logs(ctx context.Context, q request.Query, limit int) ([]request.Line, request.Cursor, bool, error) {
	return r.logs.Read(ctx, q, limit)
}

// Logs returns the reader of this machine's logs.
func (r Root) Logs(config agent.Config) logs.Reader {
	return logs.Reader{
		Folder: r.path(LogsFolder),
		Source: func(name string) string {
			number, ok := strings.CutPrefix(name, "worker-")
			if slot, err := strconv.Atoi(number); ok && err == nil && slot >= 0 && slot < config.Slots() {
				return "worker-" + strconv.Itoa(config.Worker(slot))
			}
			return name
		},
		Journal: systemd{config},
	}
}

// systemd reads the journal of the units that an operator reads beside the workers'
// logs: what Nginx refused, what the agent did, and the service's processes and
// schedules.
type systemd struct{ config agent.Config }

var _ logs.Journal = systemd{}

// Units returns the names without ".service".
func (s systemd) Units() []string {
	units := []string{"nginx", AgentUnit}
	for _, p := range s.config.Processes {
		for n := range p.Count {
			units = append(units, unitOf(agent.Instance{Name: p.Name, Number: n}))
		}
		units = append(units, RunUnit(p.Name))
	}
	for _, one := range s.config.Schedules {
		units = append(units, ScheduleUnit(one.Name), RunUnit(one.Name))
	}
	for i, unit := range units {
		units[i] = strings.TrimSuffix(unit, ".service")
	}
	return units
}

func (systemd) Open(ctx context.Context, units []string, after string, since int64, lines int) (io.ReadCloser, error) {
	args := []string{"--quiet", "--no-pager", "--output", "json"}
	for _, unit := range units {
		args = append(args, "--unit", unit)
	}
	switch {
	case after != "":
		args = append(args, "--after-cursor", after)
	case since > 0:
		args = append(args, "--since", "@"+strconv.FormatInt(since, 10))
	}
	if lines > 0 {
		args = append(args, "--lines", strconv.Itoa(lines))
	}
	command := exec.CommandContext(ctx, "journalctl", args...)
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting journalctl: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting journalctl: %w", err)
	}
	return journalctl{out, command}, nil
}

// journalctl is the output of a running journalctl.
type journalctl struct {
	io.ReadCloser
	command *exec.Cmd
}

// Close ends the process, which may have more to write than was read.
func (j journalctl) Close() error {
	_ = j.command.Process.Kill()
	_ = j.command.Wait()
	return nil
}
