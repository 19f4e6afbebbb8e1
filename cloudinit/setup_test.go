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

// newSetup gives a bench the programs that setup changes a machine with, as
// stand-ins that write down how they were called. apt is apt-get's body.
func newSetup(t *testing.T, b *bench, apt string) (run func() (string, error), calls func() string) {
	t.Helper()
	bin, journal := t.TempDir(), filepath.Join(t.TempDir(), "calls")
	for name, body := range map[string]string{"apt-get": apt, "dpkg": "", "systemctl": "", "systemd-tmpfiles": ""} {
		// What stands between the options is what was asked for.
		script := "#!/bin/sh\nargs=" + name + "\nwhile [ $# -gt 0 ]; do case $1 in -o) shift ;; -*) ;; *) args=\"$args $1\" ;; esac; shift; done\necho \"$args\" >>" + journal + "\n" + body
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755))
	}
	for _, folder := range []string{"usr/sbin", "var/lib/dpkg/updates"} {
		require.NoError(t, os.MkdirAll(filepath.Join(b.root, folder), 0o755))
	}
	run = func() (string, error) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(b.root, programsFolder, "setup"))
		cmd.Env = append(os.Environ(), "ESCALA_ROOT="+b.root, "ESCALA_STORE="+b.store, "PATH="+bin+":"+os.Getenv("PATH"))
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	calls = func() string {
		content, err := os.ReadFile(journal)
		require.NoError(t, err)
		require.NoError(t, os.Remove(journal))
		return string(content)
	}
	return run, calls
}

// The release comes beside the packages: apt-get here does not end before the
// release is installed. The workers, who were there first, start with it.
func TestSetupInstallsTheReleaseBesideThePackages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := b.release(t, "one")
	b.point(t, release.Pointer())
	run, calls := newSetup(t, b, `
case $args in *install*)
	[ "$(readlink "$ESCALA_ROOT/usr/sbin/policy-rc.d")" = "$ESCALA_ROOT/usr/local/lib/escala/no-start" ] || exit 1
	tries=100
	until [ -e "$ESCALA_ROOT/opt/escala/current" ]; do tries=$((tries - 1)); [ $tries -gt 0 ] || exit 1; sleep 0.1; done
esac`)
	said, err := run()
	require.NoError(t, err, said)
	made := calls()
	assert.Contains(t, made, "apt-get update\napt-get install curl nginx supervisor\n")
	assert.True(t, strings.HasSuffix(made, "systemctl start nginx.service supervisor.service release-follower.service\n"), made)
	assert.FileExists(t, filepath.Join(b.root, setUpPath))
	assert.NoFileExists(t, filepath.Join(b.root, "usr/sbin/policy-rc.d"))

	assert.Equal(t, release.ID, b.status(t).Current)
	require.EventuallyWithT(t, func(c *assert.CollectT) { assert.Equal(c, release.ID, b.answering()) }, time.Minute, 20*time.Millisecond)
	s := b.once(t)
	assert.Equal(t, "serving", s.Phase)
	b.serves(t, s, release)
}

// A mirror that is away leaves nothing behind that would be in the way later,
// and the next try goes on from there.
func TestSetupFailsWholeAndTriesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	run, calls := newSetup(t, b, `case $args in *install*) [ -e "$ESCALA_ROOT/mirror" ] || { echo "E: no mirror"; exit 100; } ;; esac`)
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "var/lib/dpkg/updates/0001"), nil, 0o644))
	said, err := run()
	require.Error(t, err)
	assert.Contains(t, said, "E: no mirror")
	made := calls()
	assert.Contains(t, made, "dpkg\n", "what was interrupted is finished first")
	assert.NotContains(t, made, "systemctl start nginx")
	assert.NoFileExists(t, filepath.Join(b.root, setUpPath))
	assert.NoFileExists(t, filepath.Join(b.root, "usr/sbin/policy-rc.d"))

	require.NoError(t, os.WriteFile(filepath.Join(b.root, "mirror"), nil, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "usr/sbin/policy-rc.d"), []byte("somebody's own\n"), 0o755))
	said, err = run()
	require.NoError(t, err, said)
	assert.Contains(t, calls(), "systemctl start nginx.service supervisor.service release-follower.service\n")
	assert.FileExists(t, filepath.Join(b.root, setUpPath))
	assert.FileExists(t, filepath.Join(b.root, "usr/sbin/policy-rc.d"), "not setup's to remove")
}
