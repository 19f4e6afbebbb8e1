package cloudinit

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
	"escala/service/machine"
)

// kill kills only supervisord and waits for its end.
func (b *bench) kill(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(b.root, "run/supervisord.pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
}

// stopSupervisor ends supervisord as its unit does.
func (b *bench) stopSupervisor(t *testing.T) {
	t.Helper()
	said, err := b.agent(t.Context(), "stop-supervisor").CombinedOutput()
	require.NoError(t, err, "%s", said)
}

// TestWorkersOutliveTheirSupervisor checks that the workers of a killed or stopped
// supervisord keep serving until the workers of the next one have taken over, and that no
// request is lost.
func TestWorkersOutliveTheirSupervisor(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*service.Spec){
		"shared": func(*service.Spec) {},
		"ports": func(s *service.Spec) {
			s.Workers.Mode, s.Workers.PortsBase = service.WorkersPorts, firstOfFree(t, s.Workers.Count)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, change)
			good := b.release(t, "good")
			b.point(t, good.Pointer())
			b.serves(t, b.runOnce(t), good)
			stop := b.load(t)
			// An upgrade of the package stops it by its unit's command.
			for _, end := range []func(*testing.T){b.kill, b.stopSupervisor, b.kill} {
				end(t)
				assert.Equal(t, good.ID, b.get(t), "they serve on by themselves")
				s := b.runOnce(t)
				assert.Equal(t, machine.Failing, s.Phase)
				assert.Contains(t, s.Reason, "no worker can be started: supervisord: it does not answer")
				b.supervise(t)
				require.EventuallyWithT(t, func(c *assert.CollectT) {
					assert.Equal(c, machine.Serving, b.runOnce(t).Phase)
				}, 30*time.Second, 100*time.Millisecond)
				b.serves(t, b.runOnce(t), good)
			}
			sent, failed := stop()
			t.Logf("%d requests, %d failed", sent, len(failed))
			assert.Empty(t, failed)
			assert.Greater(t, sent, 20)
		})
	}
}
