package cloudinit

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/host"
	"escala/service"
	"escala/service/machine"
)

func TestAgentInstallsReplacesAndGoesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)

	s := b.runOnce(t)
	assert.Equal(t, machine.Failing, s.Phase)
	assert.Contains(t, s.Reason, "reading the release pointer: not found")

	one := b.release(t, "one")
	b.point(t, one.Pointer())
	s = b.runOnce(t)
	assert.Equal(t, machine.Serving, s.Phase)
	assert.Empty(t, s.Reason)
	b.serves(t, s, one)

	two := b.release(t, "two")
	b.point(t, two.Pointer())
	s = b.runOnce(t)
	assert.Equal(t, machine.Serving, s.Phase)
	b.serves(t, s, two)

	b.point(t, one.Pointer())
	b.serves(t, b.runOnce(t), one)
}

func TestAgentRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.release(t, "good")
	b.point(t, good.Pointer())
	b.serves(t, b.runOnce(t), good)

	for variant, want := range map[string]string{
		"exits":           "fails its preflight: it exits at start with status 7",
		"never-ready":     "fails its preflight: it is not ready within 10 s",
		"unhealthy":       "fails its preflight: /health answers 500, not 200",
		"lies":            "fails its preflight: it answers as release 000000",
		"hangs":           "fails its preflight: it does not end within 10 s of SIGTERM",
		"fails-as-worker": "worker 0 does not come up with release",
	} {
		t.Run(variant, func(t *testing.T) {
			bad := b.release(t, variant)
			b.point(t, bad.Pointer())
			s := b.runOnce(t)
			assert.Equal(t, machine.Refused, s.Phase)
			assert.Equal(t, bad.ID, s.Wanted)
			assert.Contains(t, s.Reason, want)
			b.serves(t, s, good)

			// The refused release is not tried again at once.
			again := b.runOnce(t)
			assert.Equal(t, machine.Refused, again.Phase)
			assert.Equal(t, s.Reason, again.Reason)
			assert.Equal(t, s.Refused, again.Refused)
			assert.Equal(t, s.Refused+int64(agent.RetryAfter.Seconds()), again.Retry)
			b.serves(t, again, good)
			b.point(t, good.Pointer())
			assert.Equal(t, machine.Serving, b.runOnce(t).Phase)
			assert.NoFileExists(t, filepath.Join(b.root, host.RefusalFile))
		})
	}
}

func TestAgentTriesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.release(t, "good")
	b.point(t, good.Pointer())
	b.serves(t, b.runOnce(t), good)
	next := b.release(t, "next")
	stored := filepath.Join(b.store, next.Key())
	content, err := os.ReadFile(stored)
	require.NoError(t, err)

	for name, spoil := range map[string]struct {
		do   func(t *testing.T)
		want string
	}{
		"wrong checksum": {func(t *testing.T) {
			wrong := append([]byte{}, content...)
			wrong[len(wrong)/2] ^= 1
			require.NoError(t, os.WriteFile(stored, wrong, 0o644))
		}, "corrupt: its SHA-256 is"},
		"truncated": {func(t *testing.T) {
			require.NoError(t, os.WriteFile(stored, content[:len(content)-1], 0o644))
		}, fmt.Sprintf("it has %d bytes, not the %d of its pointer", next.Size-1, next.Size)},
		"missing": {func(t *testing.T) {
			require.NoError(t, os.Remove(stored))
		}, "not found"},
		"broken pointer": {func(t *testing.T) {
			b.point(t, string(next.ID[:60]))
		}, "reading the release pointer: corrupt"},
		"a pointer that is a command": {func(t *testing.T) {
			b.point(t, "$(reboot) 12\n")
		}, "reading the release pointer: corrupt"},
		"too large for the disk": {func(t *testing.T) {
			b.point(t, fmt.Sprintf("%s %d\n", next.ID, int64(1)<<50))
		}, "MiB free, release"},
	} {
		t.Run(name, func(t *testing.T) {
			b.point(t, next.Pointer())
			spoil.do(t)
			s := b.runOnce(t)
			assert.Equal(t, machine.Failing, s.Phase)
			assert.Contains(t, s.Reason, spoil.want)
			b.serves(t, s, good)

			require.NoError(t, os.WriteFile(stored, content, 0o644))
			b.point(t, next.Pointer())
			b.serves(t, b.runOnce(t), next)
			require.NoError(t, os.RemoveAll(filepath.Join(b.root, "opt/escala/releases", string(next.ID))))
			b.point(t, good.Pointer())
			b.serves(t, b.runOnce(t), good)
			require.NoError(t, os.RemoveAll(filepath.Join(b.root, "opt/escala/releases", string(next.ID))))
		})
	}
}

func TestAgentKeepsTheLastReleases(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var last []service.Release
	for i := range service.KeptReleases + 2 {
		r := b.release(t, "number-"+strconv.Itoa(i))
		b.point(t, r.Pointer())
		b.serves(t, b.runOnce(t), r)
		last = append(last, r)
	}
	entries, err := os.ReadDir(filepath.Join(b.root, "opt/escala/releases"))
	require.NoError(t, err)
	var kept, want []string
	for _, e := range entries {
		kept = append(kept, e.Name())
	}
	for _, r := range last[2:] {
		want = append(want, string(r.ID))
	}
	assert.ElementsMatch(t, want, kept)
}
