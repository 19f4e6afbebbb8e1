package cloudinit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The workers of a supervisord that was killed hold its port; another one can
// only serve once they are gone.
func TestWorkersOfAKilledSupervisorAreEnded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.release(t, "good")
	b.point(t, good.Pointer())
	b.serves(t, b.once(t), good)
	content, err := os.ReadFile(filepath.Join(b.root, "run/supervisord.pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	assert.Equal(t, good.ID, b.get(t), "they serve on by themselves")

	end := func() {
		cmd := exec.Command("sh", filepath.Join(b.root, programsFolder, "end-workers"))
		cmd.Env = append(os.Environ(), "ESCALA_ROOT="+b.root)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	began := time.Now()
	end()
	assert.Less(t, time.Since(began), b.spec.Lifecycle.Stop, "they drain, nobody has to kill them")
	assert.Empty(t, b.answering())
	end() // there is nothing left to do

	b.supervise(t)
	require.Eventually(t, func() bool { return b.answering() == good.ID }, time.Minute, 100*time.Millisecond)
}
