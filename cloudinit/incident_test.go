package cloudinit

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStatusTellsOfAWorkerThatDied checks that a dead worker is replaced quickly,
// and that the status still reports that it died, and how.
func TestStatusTellsOfAWorkerThatDied(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.release(t, "good")
	b.point(t, good.Pointer())
	s := b.runOnce(t)
	b.serves(t, s, good)
	assert.Empty(t, s.Incident)

	said, err := exec.Command("pkill", "-KILL", "-x", "-f", filepath.Join(b.root, "opt/escala/current", b.spec.Name)+" serve").CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Eventually(t, func() bool { return strings.Contains(b.runOnce(t).Incident, "terminated by SIGKILL; not expected") }, time.Minute, 100*time.Millisecond)
	s = b.runOnce(t)
	assert.Regexp(t, `^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d exited: api_\d `, s.Incident)
	b.serves(t, s, good)
}
