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
)

// A worker that died is back before anybody looks; the status still says that it
// died, and how.
func TestStatusTellsOfAWorkerThatDied(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.release(t, "good")
	b.point(t, good.Pointer())
	s := b.once(t)
	b.serves(t, s, good)
	assert.Empty(t, s.Incident)

	said, err := exec.Command("pkill", "-KILL", "-x", "-f", filepath.Join(b.root, "opt/escala/current", b.spec.Name)+" serve").CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Eventually(t, func() bool { return strings.Contains(b.once(t).Incident, "terminated by SIGKILL; not expected") }, time.Minute, 100*time.Millisecond)
	s = b.once(t)
	assert.Regexp(t, `^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d exited: api_\d `, s.Incident)
	b.serves(t, s, good)
}

// fake makes a program of that name that says the text.
func fake(t *testing.T, folder, name, says string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\ncat <<'EOF'\n"+says+"\nEOF\n"), 0o755))
}

func TestIncidentIsTheLatest(t *testing.T) {
	t.Parallel()
	const (
		journal = "2026-11-23T18:31:02+0000 api systemd[1]: nginx.service: Main process exited, code=killed, status=9/KILL"
		nginx   = "2026-11-23T18:31:02 nginx.service: Main process exited, code=killed, status=9/KILL"
		log     = "2026-11-23 18:40:00,123 INFO success: api_0 entered RUNNING state\n2026-11-23 18:30:00,123 WARN exited: api_1 (exit status 1; not expected)\n"
	)
	for name, test := range map[string]struct{ restarts, log, want string }{
		"nothing happened":  {"0\n\n0", "", ""},
		"a unit":            {"0\n\n2", "", nginx},
		"a worker":          {"0", log, "2026-11-23T18:30:00 exited: api_1 (exit status 1; not expected)"},
		"the later of both": {"2", log, nginx},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, bin := t.TempDir(), t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(root, "var/log/supervisor"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(root, "var/log/supervisor/supervisord.log"), []byte(test.log), 0o644))
			fake(t, bin, "systemctl", test.restarts)
			fake(t, bin, "journalctl", journal)
			cmd := exec.Command("sh", "machine/incident.sh")
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "ESCALA_ROOT=" + root}
			out, err := cmd.Output()
			require.NoError(t, err)
			assert.Equal(t, test.want, strings.TrimSpace(string(out)))
		})
	}
}
