package local_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/cloudinit"
	"escala/infra/targets/local/podman"
	"escala/service"
)

const upgradesUnit = "escala-install-upgrades.service"

// waitsForLock starts the unit that a cloud's machine installs security upgrades
// with, while another process has dpkg's lock, as apt-daily has after a boot.
func waitsForLock(ctx context.Context, t *testing.T, pod podman.Podman, machine string) {
	t.Helper()
	run := func(command ...string) string {
		t.Helper()
		out, err := pod.Exec(ctx, machine, command...)
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(out)
	}
	installed := func() bool {
		_, err := pod.Exec(ctx, machine, "test", "-e", "/var/lib/escala/installed-upgrades")
		return err == nil
	}
	run("sh", "-c", `printf %s "$1" >"$2"`, "sh", unitFile(t), "/etc/systemd/system/"+upgradesUnit)
	run("systemctl", "daemon-reload")
	run("systemd-run", "--quiet", "--collect", "--unit=conformance-lock", "--property=Type=notify", "--property=NotifyAccess=all",
		"python3", "-c", `import fcntl, os, subprocess, time
f = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(f, fcntl.LOCK_EX)
subprocess.run(["systemd-notify", "--ready"])
time.sleep(600)`)
	run("systemctl", "start", "--no-block", upgradesUnit)
	assert.Never(t, installed, 8*time.Second, 500*time.Millisecond)
	assert.Equal(t, "activating", run("systemctl", "show", "--property", "ActiveState", "--value", upgradesUnit), "it waits")
	run("systemctl", "stop", "conformance-lock")
	require.Eventually(t, installed, 3*time.Minute, time.Second)
	assert.Contains(t, run("dpkg", "--status", "unattended-upgrades"), "Status: install ok installed")
}

// unitFile returns the unit as it is in the user-data of a cloud's machine.
func unitFile(t *testing.T) string {
	t.Helper()
	m := cloudinit.NewMachine(service.NewSpec())
	m.Agent = service.ReleaseID(strings.Repeat("0", 64))
	userData, err := m.UserData()
	require.NoError(t, err)
	var files struct {
		WriteFiles []struct{ Path, Content string } `yaml:"write_files"`
	}
	require.NoError(t, yaml.Unmarshal(userData, &files))
	for _, f := range files.WriteFiles {
		if strings.HasSuffix(f.Path, "/"+upgradesUnit) {
			return f.Content
		}
	}
	t.Fatalf("no machine has %s", upgradesUnit)
	return ""
}
