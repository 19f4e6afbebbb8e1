package local_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/conformance/local"
	"escala/service"
	"escala/service/machine"
)

// These are the programs of a process that waits, of a process that dies, and of a
// scheduled run that takes half a minute.
const (
	waits = "import time\nprint('waiting', flush=True)\nwhile True:\n    time.sleep(1)\n"
	dies  = "raise SystemExit('no queue to read')\n"
	takes = "import time\ntime.sleep(30)\n"
)

// TestProcessesAndSchedules checks a service with a process and a schedule that
// runs each minute: a release during a run, and a release whose process dies.
func TestProcessesAndSchedules(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("boots a machine; -short leaves that out")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	clone := cloneWith(ctx, t, "python")
	app := filepath.Join(clone.Root, "example", "app")
	write := func(name, content string) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(app, name), []byte(content), 0o600))
	}
	write("mail.py", waits)
	write("report.py", takes)
	stack := local.NewStack(clone, map[string]any{
		"target": "local", "local": map[string]any{"port": freePort(t)},
		"service": map[string]any{
			"name": "python", "runtime": "none", "folder": "example/app", "command": []any{"python3", "app.py"},
			"processes": map[string]any{"mailer": map[string]any{"command": []any{"python3", "mail.py"}, "count": 2, "stop": "2s"}},
			"schedule":  map[string]any{"report": map[string]any{"cron": "* * * * *", "command": []any{"python3", "report.py"}}},
		},
	})
	defer func() { assert.NoError(t, stack.Destroy(context.WithoutCancel(ctx))) }()

	first, err := stack.Up(ctx)
	require.NoError(t, err)
	url, before := first.Outputs["url"], service.ReleaseID(first.Outputs["release"])
	s := published(t, url)
	require.Len(t, s.Processes, 2)
	for _, p := range s.Processes {
		assert.True(t, p.Up && p.Release == before, "%+v", p)
	}

	s = awaited(t, url, func(s machine.Status) bool { return s.Schedules[0].Running != nil })
	run := s.Schedules[0].Running.Time
	write("greeting.txt", "another release")
	second, err := stack.Up(ctx)
	require.NoError(t, err)
	after := service.ReleaseID(second.Outputs["release"])
	for _, p := range published(t, url).Processes {
		assert.True(t, p.Up && p.Release == after, "%+v", p)
	}
	s = awaited(t, url, func(s machine.Status) bool { return s.Schedules[0].Last != nil && s.Schedules[0].Last.Time >= run })
	last := s.Schedules[0].Last
	assert.Equal(t, run, last.Time)
	assert.Equal(t, before, last.Release, "the release does not end the run")
	assert.Equal(t, "success", last.Result)
	assert.GreaterOrEqual(t, last.Ended-last.Began, int64(30))

	write("mail.py", dies)
	_, err = stack.Up(ctx)
	require.ErrorContains(t, err, "process mailer 0 does not stay up for 1s")
	s = awaited(t, url, func(s machine.Status) bool {
		return s.ReadyOn(after) == 2 && s.Processes[0].Release == after && s.Processes[1].Release == after
	})
	assert.Equal(t, machine.Refused, s.Phase)
	assert.Equal(t, string(after), serving(t, url+"/"))
}

// published returns the machine's status.
func published(t *testing.T, url string) machine.Status {
	t.Helper()
	resp, err := http.Get(url + machine.StatusPath)
	require.NoError(t, err)
	defer resp.Body.Close()
	s, err := machine.Read(resp.Body)
	require.NoError(t, err)
	return s
}

// awaited returns the machine's status as soon as wanted accepts it.
func awaited(t *testing.T, url string, wanted func(machine.Status) bool) machine.Status {
	t.Helper()
	var s machine.Status
	require.Eventually(t, func() bool { s = published(t, url); return wanted(s) }, 3*time.Minute, time.Second)
	return s
}
