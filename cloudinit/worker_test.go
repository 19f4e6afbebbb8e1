package cloudinit

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
	"escala/service/machine"
)

// TestWorkersGetTheServicesVariables checks that a variable of the service changes
// no other setting, whatever its name, and keeps its value exactly.
func TestWorkersGetTheServicesVariables(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"NAME": "demo", "PORTS_BASE": "9", "WORKER_COUNT": "7", "root": "/nowhere", "SERVICE_USER": "root", "STOP_SECONDS": "0",
		"QUOTES": `'it''s' "so"`, "EXPANSION": "$HOME `id` $(id) ${x} \\", "PERCENT": "100%(x)s", "EMPTY": "", "UTF": "año ✓",
		"KEY": "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
	}
	b := newBench(t, func(s *service.Spec) { s.Env = env })
	good := b.release(t, "good")
	b.point(t, good.Pointer())
	b.serves(t, b.runOnce(t), good)
	header, err := b.header("/")
	require.NoError(t, err)
	var got []string
	for _, quoted := range header["X-Environment"] {
		entry, err := strconv.Unquote(quoted)
		require.NoError(t, err)
		got = append(got, entry)
	}
	for name, value := range env {
		assert.Contains(t, got, name+"="+value)
	}
	assert.Contains(t, got, "LISTEN=fd:0")
	assert.Contains(t, got, "START_TIMEOUT="+b.spec.Lifecycle.Start.String())
	assert.True(t, slices.Contains(got, "WORKER=0") || slices.Contains(got, "WORKER=1"), got)
}

// TestAWorkerThatIsNotReadyIsNotStartedAgain checks that an unready worker is not
// restarted: a restart would cut the requests that it still answers, and would not
// repair the missing dependency.
func TestAWorkerThatIsNotReadyIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	unready := switchFile(t)
	b := newBench(t, func(s *service.Spec) { s.Env = map[string]string{"UNREADY_FILE": unready} })
	good := b.release(t, "good")
	b.point(t, good.Pointer())
	b.serves(t, b.runOnce(t), good)
	before := b.workers(t)
	require.NoError(t, os.WriteFile(unready, nil, 0o644))
	for began := time.Now(); time.Since(began) < 2*b.spec.Lifecycle.Start; {
		s := b.runOnce(t)
		assert.Equal(t, machine.Failing, s.Phase)
		assert.Contains(t, s.Reason, "worker 0 is not ready, and its /health answers 200")
	}
	assert.Equal(t, before, b.workers(t))
	require.NoError(t, os.Remove(unready))
	b.serves(t, b.runOnce(t), good)
	assert.Equal(t, before, b.workers(t))
}

// switchFile returns the path of a missing file, in a folder that every account
// can read.
func switchFile(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "switch")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o755))
	return filepath.Join(folder, "on")
}

// workers returns the ids of the processes that run a release in this bench.
func (b *bench) workers(t *testing.T) []string {
	t.Helper()
	var out []string
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(t, err)
	for _, link := range links {
		exe, err := os.Readlink(link)
		if err == nil && len(exe) > len(b.root) && exe[:len(b.root)] == b.root && filepath.Base(exe) == b.spec.Name {
			out = append(out, link)
		}
	}
	return out
}

// TestARefusedReleaseIsTriedAgain checks a release that was refused for a temporary
// reason.
func TestARefusedReleaseIsTriedAgain(t *testing.T) {
	t.Parallel()
	unready := switchFile(t)
	b := newBench(t, func(s *service.Spec) { s.Env = map[string]string{"UNREADY_FILE": unready} })
	good, next := b.release(t, "good"), b.release(t, "next")
	b.point(t, good.Pointer())
	b.serves(t, b.runOnce(t), good)

	require.NoError(t, os.WriteFile(unready, nil, 0o644))
	b.point(t, next.Pointer())
	s := b.runOnce(t)
	assert.Equal(t, machine.Refused, s.Phase)
	assert.Contains(t, s.Reason, "fails its preflight: it is not ready within 10 s: GET /ready answers 503, not 200")
	b.retry(t)
	again := b.runOnce(t)
	assert.Equal(t, machine.Refused, again.Phase)
	assert.Greater(t, again.Refused, s.Refused, "it was tried again")

	require.NoError(t, os.Remove(unready))
	b.retry(t)
	b.serves(t, b.runOnce(t), next)
}
