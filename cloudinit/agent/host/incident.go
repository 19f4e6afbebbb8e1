package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// Incidents finds the last problem of this machine that resolved itself: a unit
// or a worker that died and was restarted, or a reboot.
type Incidents struct {
	Root Root
	// Units are the units that systemd restarts.
	Units []string
	// SetUp is a file that exists once the machine's setup has ended.
	SetUp string

	checked time.Time
	pids    [len(pidFiles)]logState
	unit    string
	worker  string
	log     logState
}

// logState detects changes of a file.
type logState struct {
	size    int64
	changed time.Time
}

func stateOf(path string) logState {
	info, err := os.Stat(path)
	if err != nil {
		return logState{}
	}
	return logState{info.Size(), info.ModTime()}
}

// pidFiles are the files in which the units write their process ids. A changed file
// means that its unit was started again.
var pidFiles = [...]string{"/run/nginx.pid", supervisorPID, "/run/redis/redis-server.pid"}

// incidentEvery is the longest pause between two queries of systemd, for units
// without such a file. Each query starts a process.
const incidentEvery = time.Minute

// Last returns the latest incident, with its time first; "" for none.
func (i *Incidents) Last(ctx context.Context) string {
	var pids [len(pidFiles)]logState
	for n, name := range pidFiles {
		pids[n] = stateOf(i.Root.path(name))
	}
	if i.checked.IsZero() || pids != i.pids || time.Since(i.checked) >= incidentEvery {
		i.pids = pids
		i.unit = max(i.unitDied(ctx), i.rebooted(ctx))
		i.checked = time.Now()
	}
	return max(i.unit, i.workerDied())
}

var exited = regexp.MustCompile(`^([0-9T:-]*)\+[0-9:]* [^ ]* [^ ]* (.*)`)

// unitDied reads the journal after systemd has restarted a unit.
func (i *Incidents) unitDied(ctx context.Context) string {
	restarts := output(ctx, "systemctl", append([]string{"show", "--property", "NRestarts", "--value"}, i.Units...)...)
	if !strings.ContainsAny(restarts, "123456789") {
		return ""
	}
	args := []string{"--quiet", "--no-pager", "--boot", "--output", "short-iso", "--lines", "1", "--grep", "Main process exited"}
	for _, unit := range i.Units {
		args = append(args, "--unit", unit)
	}
	if m := exited.FindStringSubmatch(strings.TrimSpace(output(ctx, "journalctl", args...))); m != nil {
		return m[1] + " " + m[2]
	}
	return ""
}

var notExpected = regexp.MustCompile(`^([0-9-]*) ([0-9:]*),[0-9]* [A-Z]* (.*not expected.*)`)

// workerDied reads supervisord's log if it has changed.
func (i *Incidents) workerDied() string {
	path := i.Root.path(SupervisorLog)
	now := stateOf(path)
	if now == i.log {
		return i.worker
	}
	i.log = now
	for line := range strings.Lines(tail(path, 1<<20)) {
		if m := notExpected.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			i.worker = m[1] + "T" + m[2] + " " + m[3]
		}
	}
	return i.worker
}

// rebooted reports any boot after the one that set the machine up.
func (i *Incidents) rebooted(ctx context.Context) string {
	setUp, err := os.Stat(i.Root.path(i.SetUp))
	if err != nil {
		return ""
	}
	// The value has the form "Wed 2026-11-25 18:31:02 UTC".
	fields := strings.Fields(output(ctx, "systemctl", "show", "--property", "UserspaceTimestamp", "--value"))
	if len(fields) < 3 {
		return ""
	}
	booted, err := time.ParseInLocation("2006-01-02 15:04:05", fields[1]+" "+fields[2], time.Local)
	if err != nil || !setUp.ModTime().Before(booted) {
		return ""
	}
	return fmt.Sprintf("%sT%s the machine was started again", fields[1], fields[2])
}

// commandTime is the time limit of a command.
const commandTime = 10 * time.Second

// output returns the output of a command, even if the command fails.
func output(ctx context.Context, name string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	out, _ := exec.CommandContext(ctx, name, args...).Output()
	return string(out)
}
