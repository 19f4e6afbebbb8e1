package cloudinit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// tasked returns a machine with a process and two schedules.
func tasked() Machine {
	spec := service.NewSpec()
	spec.Processes = map[string]service.Process{"mailer": {Command: []string{"api", "mail"}, Count: 2, Stop: 90 * time.Second, MemoryMiB: 64}}
	spec.Schedule = map[string]service.Schedule{
		"report": {Cron: "0 6 1 * 1", Command: []string{"./api", "report"}, Timeout: 5 * time.Minute, Overlap: service.OverlapSkip},
		"sync":   {Cron: "*/10 * * * *", Command: []string{"api", "sync"}, Timeout: time.Hour, Overlap: service.OverlapReplace, MemoryMiB: 32},
	}
	m := NewMachine(spec)
	m.Agent = service.ReleaseID(strings.Repeat("ab", 32))
	return m
}

func TestProcessesAndSchedulesAreUnits(t *testing.T) {
	m := tasked()
	_, err := m.UserData()
	require.NoError(t, err)
	units := map[string]string{}
	for _, f := range m.taskUnits() {
		units[filepath.Base(f.Path)] = f.Content
	}
	require.Len(t, units, 6)

	process := units["escala-process-mailer@.service"]
	for _, line := range []string{
		"ExecStart=/usr/local/lib/escala/escala-agent process mailer %i", "Restart=always", "StartLimitIntervalSec=0",
		"TimeoutStopSec=90", "MemoryMax=64M", "KillMode=mixed",
	} {
		assert.Contains(t, process, line+"\n")
	}
	run := units["escala-schedule-report.service"]
	for _, line := range []string{
		"ExecStart=/usr/local/lib/escala/escala-agent schedule report", "ExecStopPost=/usr/local/lib/escala/escala-agent schedule-ended report",
		"RuntimeMaxSec=300", "TimeoutStopSec=30", "MemoryMax=256M",
	} {
		assert.Contains(t, run, line+"\n")
	}
	// A day of the month or a day of the week: systemd wants both in one line.
	assert.Contains(t, units["escala-schedule-report.timer"], "OnCalendar=*-*-01 06:00:00 UTC\nOnCalendar=Mon *-*-* 06:00:00 UTC\nAccuracySec=1s\n")
	assert.Contains(t, units["escala-schedule-report.timer"], "Unit=escala-schedule-report.service\n")
	assert.Contains(t, units["escala-schedule-sync.timer"], "Unit=escala-schedule-sync-due.service\n")
	assert.Contains(t, units["escala-schedule-sync-due.service"], "restart --no-block escala-schedule-sync.service\n")
	// The agent alone starts units: none of them is enabled.
	for name, content := range units {
		assert.NotContains(t, content, "[Install]", name)
	}

	config := m.agentConfig()
	require.NoError(t, config.Validate())
	assert.Len(t, config.Processes, 1)
	assert.Equal(t, []string{"report", "sync"}, []string{config.Schedules[0].Name, config.Schedules[1].Name})
	assert.Equal(t, 256, config.Schedules[0].MemoryMiB)
	assert.Empty(t, NewMachine(service.NewSpec()).taskUnits(), "a service without them has no such files")
}

// TestSystemdReadsTheUnits checks that systemd reads every unit without a complaint.
func TestSystemdReadsTheUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("needs systemd-analyze")
	}
	folder := t.TempDir()
	args := []string{"verify", "--man=no", "--recursive-errors=no"}
	for _, f := range tasked().taskUnits() {
		name := filepath.Join(folder, filepath.Base(f.Path))
		content := strings.ReplaceAll(f.Content, AgentPath, "/bin/true")
		require.NoError(t, os.WriteFile(name, []byte(content), 0o644))
		args = append(args, name)
	}
	cmd := exec.Command(analyze, args...)
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+folder+":")
	said, _ := cmd.CombinedOutput()
	for line := range strings.Lines(string(said)) {
		assert.NotContains(t, line, folder, "systemd complains")
	}
}
