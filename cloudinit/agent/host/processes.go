package host

import (
	"context"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"escala/cloudinit/agent"
	"escala/service"
)

// ProcessUnit returns the unit of an instance of a process. number is "" for the
// template of all.
func ProcessUnit(name, number string) string {
	return "escala-process-" + name + "@" + number + ".service"
}

// Processes are units of systemd.
type Processes struct {
	Root   Root
	Config agent.Config
}

var _ agent.Processes = Processes{}

func unitOf(i agent.Instance) string { return ProcessUnit(i.Name, strconv.Itoa(i.Number)) }

// States gets all units in one call.
func (p Processes) States(ctx context.Context) (map[agent.Instance]agent.ProcessState, error) {
	var instances []agent.Instance
	var units []string
	for _, one := range p.Config.Processes {
		for n := range one.Count {
			i := agent.Instance{Name: one.Name, Number: n}
			instances, units = append(instances, i), append(units, unitOf(i))
		}
	}
	all, err := showUnits(ctx, units, "ActiveState", "SubState", "MainPID", "NRestarts")
	if err != nil {
		return nil, err
	}
	states := map[agent.Instance]agent.ProcessState{}
	for n, unit := range all {
		states[instances[n]] = p.state(instances[n], unit)
	}
	return states, nil
}

func (p Processes) state(i agent.Instance, unit map[string]string) agent.ProcessState {
	s := agent.ProcessState{Phase: agent.ProcessDown}
	s.Restarts, _ = strconv.Atoi(unit["NRestarts"])
	switch active := unit["ActiveState"]; {
	case active == "activating" && strings.HasPrefix(unit["SubState"], "auto-restart"):
		s.Phase = agent.ProcessAgain
	case active == "active", active == "activating", active == "reloading":
		s.Phase = agent.ProcessUp
	case active == "deactivating":
		s.Phase = agent.ProcessStopping
	}
	pid, _ := strconv.Atoi(unit["MainPID"])
	if s.Phase != agent.ProcessUp || pid == 0 {
		return s
	}
	if started, ok := age(pid); ok {
		s.Up = started
	}
	if n := p.Root.readProcessNote(i); n.PID == pid && n.Process == processName(pid) {
		s.Release = n.Release
	}
	return s
}

// Start starts an instance.
func (Processes) Start(ctx context.Context, i agent.Instance) error {
	_, err := systemctl(ctx, "start", "--no-block", unitOf(i))
	return err
}

// Stop asks systemd to end an instance.
func (Processes) Stop(ctx context.Context, i agent.Instance) error {
	_, err := systemctl(ctx, "stop", "--no-block", unitOf(i))
	return err
}

// LastLines returns the end of the instance's journal.
func (Processes) LastLines(ctx context.Context, i agent.Instance) string {
	return strings.ToValidUTF8(strings.TrimSpace(journal(ctx, unitOf(i), outputLines)), "")
}

// age returns the time since a process started.
func age(pid int) (time.Duration, bool) {
	up, ok := uptime()
	start, there := processStart(pid)
	return max(0, up-start), ok && there
}

// processNotes is the folder of the notes of instances. Only root can write to it.
const processNotes = "/run/escala-release/processes"

func (r Root) processNote(i agent.Instance) string {
	return r.path(path.Join(processNotes, fmt.Sprintf("%s-%d.run", i.Name, i.Number)))
}

func (r Root) readProcessNote(i agent.Instance) note {
	var n note
	if readJSON(r.processNote(i), &n) != nil || !n.Release.Valid() {
		return note{}
	}
	return n
}

// RunProcess replaces this process by an instance of a process, with the current
// release.
func (r Root) RunProcess(config agent.Config, i agent.Instance) error {
	for _, p := range config.Processes {
		if p.Name != i.Name || i.Number < 0 || i.Number >= p.Count {
			continue
		}
		folder, err := r.currentFolder()
		if err != nil {
			return err
		}
		release := service.ReleaseID(path.Base(folder))
		if err := writeJSON(r.processNote(i), note{Process: processName(os.Getpid()), PID: os.Getpid(), Release: release}); err != nil {
			return fmt.Errorf("noting the release: %w", err)
		}
		return r.become(config, task{command: p.Command, memoryMiB: p.MemoryMiB, folder: folder, number: i.Number})
	}
	return fmt.Errorf("this machine has no %s", i)
}
