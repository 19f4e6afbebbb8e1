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

// Incidents finds out what last went wrong on this machine and was mended by
// itself: a unit or a worker that died and was started again, a reboot.
type Incidents struct {
	Root Root
	// Units are those that systemd starts again.
	Units []string
	// SetUp is the file that is there since the machine's setup ended.
	SetUp string

	asked  time.Time
	unit   string
	worker string
	log    logState
}

// logState tells whether a file has changed.
type logState struct {
	size    int64
	changed time.Time
}

// incidentEvery is the pause between two questions to systemd, each of which
// starts a process.
const incidentEvery = 10 * time.Second

// Last is the latest incident, with its time first; "" for none.
func (i *Incidents) Last(ctx context.Context) string {
	if i.asked.IsZero() || time.Since(i.asked) >= incidentEvery {
		i.unit = max(i.unitDied(ctx), i.rebooted(ctx))
		i.asked = time.Now()
	}
	return max(i.unit, i.workerDied())
}

var exited = regexp.MustCompile(`^([0-9T:-]*)\+[0-9:]* [^ ]* [^ ]* (.*)`)

// unitDied looks into the journal once a unit was restarted by systemd.
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

// workerDied looks into supervisord's log where that has changed.
func (i *Incidents) workerDied() string {
	path := i.Root.path(SupervisorLog)
	info, err := os.Stat(path)
	if err != nil {
		return i.worker
	}
	now := logState{info.Size(), info.ModTime()}
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

// rebooted is any boot after the one that set the machine up.
func (i *Incidents) rebooted(ctx context.Context) string {
	setUp, err := os.Stat(i.Root.path(i.SetUp))
	if err != nil {
		return ""
	}
	// "Wed 2026-11-25 18:31:02 UTC"
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

// commandTime bounds a command that is asked about the machine.
const commandTime = 10 * time.Second

// output is what a command prints, also where it fails.
func output(ctx context.Context, name string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	out, _ := exec.CommandContext(ctx, name, args...).Output()
	return string(out)
}
