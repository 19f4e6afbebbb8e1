package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stand creates a program with that name that prints the text.
func stand(t *testing.T, folder, name, prints string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\ncat <<'EOF'\n"+prints+"\nEOF\n"), 0o755))
}

func TestIncidentIsTheLatest(t *testing.T) {
	const (
		journal = "2026-11-23T18:31:02+0000 api systemd[1]: nginx.service: Main process exited, code=killed, status=9/KILL"
		nginx   = "2026-11-23T18:31:02 nginx.service: Main process exited, code=killed, status=9/KILL"
		log     = "2026-11-23 18:40:00,123 INFO success: api_0 entered RUNNING state\n2026-11-23 18:30:00,123 WARN exited: api_1 (exit status 1; not expected)\n"
	)
	for name, tt := range map[string]struct{ restarts, log, want string }{
		"nothing happened":  {"0\n\n0", "", ""},
		"a unit":            {"0\n\n2", "", nginx},
		"a worker":          {"0", log, "2026-11-23T18:30:00 exited: api_1 (exit status 1; not expected)"},
		"the later of both": {"2", log, nginx},
	} {
		t.Run(name, func(t *testing.T) {
			root, bin := t.TempDir(), t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(root, "var/log/supervisor"), 0o755))
			require.NoError(t, os.WriteFile(root+SupervisorLog, []byte(tt.log), 0o644))
			stand(t, bin, "systemctl", tt.restarts)
			stand(t, bin, "journalctl", journal)
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			i := Incidents{Root: Root(root), Units: []string{"nginx"}, SetUp: SetUpFile}
			assert.Equal(t, tt.want, i.Last(t.Context()))
			assert.Equal(t, tt.want, i.Last(t.Context()))
		})
	}
}

func TestAReboot(t *testing.T) {
	root, bin := t.TempDir(), t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Dir(root+SetUpFile), 0o755))
	require.NoError(t, os.WriteFile(root+SetUpFile, nil, 0o644))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for booted, want := range map[string]string{
		"Fri 2099-11-27 08:00:01 UTC": "2099-11-27T08:00:01 the machine was started again",
		"Fri 1999-11-27 08:00:01 UTC": "",
		"":                            "",
	} {
		stand(t, bin, "systemctl", booted)
		i := Incidents{Root: Root(root), SetUp: SetUpFile}
		assert.Equal(t, want, i.rebooted(t.Context()), booted)
	}
}

// TestSystemdIsAskedWhenAUnitWasStartedAgain checks that systemd is queried once,
// and again when a unit has another process.
func TestSystemdIsAskedWhenAUnitWasStartedAgain(t *testing.T) {
	root, bin := t.TempDir(), t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "run"), 0o755))
	pid := root + "/run/nginx.pid"
	require.NoError(t, os.WriteFile(pid, []byte("12\n"), 0o644))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	stand(t, bin, "systemctl", "0")
	i := Incidents{Root: Root(root), Units: []string{"nginx"}, SetUp: SetUpFile}
	assert.Empty(t, i.Last(t.Context()))
	stand(t, bin, "systemctl", "1")
	stand(t, bin, "journalctl", "2026-11-23T18:31:02+0000 api systemd[1]: nginx.service: Main process exited, code=killed, status=9/KILL")
	assert.Empty(t, i.Last(t.Context()), "nothing has changed")
	require.NoError(t, os.WriteFile(pid, []byte("345\n"), 0o644))
	assert.Equal(t, "2026-11-23T18:31:02 nginx.service: Main process exited, code=killed, status=9/KILL", i.Last(t.Context()))
}
