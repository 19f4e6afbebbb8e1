package acceptance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/loadgen"
	"escala/service"
)

// underLoad runs happens while the machine is under load, and returns the load's
// result.
func (b *bare) underLoad(mix loadgen.Mix, happens func()) *loadgen.Result {
	b.t.Helper()
	options := loadgen.NewOptions(b.url())
	options.Streams = mix.Streams()
	options.MaxDuration = 3 * time.Minute
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	generator, err := loadgen.Start(ctx, options)
	require.NoError(b.t, err)
	time.Sleep(time.Second)
	happens()
	time.Sleep(time.Second)
	cancel()
	result, err := generator.Wait()
	require.NoError(b.t, err)
	b.t.Logf("%d requests, %d failed: %v; releases %d, workers %d", result.Total.Arrivals, result.Total.Failed, result.Total.Kinds, len(result.Releases), len(result.Workers))
	for _, f := range result.Failures[:min(len(result.Failures), 5)] {
		b.t.Logf("%+v", f)
	}
	if overload := loadgen.Overload(result.Lag); overload != "" && result.Clean() != nil {
		b.t.Skip(overload)
	}
	return result
}

// portsSpec returns a service with one port per worker and fast rolls.
func portsSpec(t *testing.T) service.Spec {
	spec := service.NewSpec()
	spec.Workers.Mode = service.WorkersPorts
	spec.Workers.Count = 3
	spec.Workers.PortsBase = freePorts(t, spec.Workers.Count)
	return spec
}

// freePorts returns the first of several consecutive free ports.
func freePorts(t *testing.T, count int) int {
	t.Helper()
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		base := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		free := base+count < 65536
		for n := range count {
			one, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+n))
			if err != nil {
				free = false
				break
			}
			_ = one.Close()
		}
		if free {
			return base
		}
	}
	require.Fail(t, "no free ports")
	return 0
}

// TestPortsLoseNothing checks that releases and killed workers cost no request
// under load, with one port per worker.
func TestPortsLoseNothing(t *testing.T) {
	b := newBare(t, portsSpec(t))
	b.awaits(b.release("first"))

	mix := loadgen.NewMix()
	mix.Rate = 300
	rolled := b.underLoad(mix, func() {
		for _, name := range []string{"second", "third", "fourth"} {
			b.awaits(b.release(name))
		}
	})
	require.NoError(t, rolled.Clean(), "three rolls")
	assert.Len(t, rolled.Releases, 4)
	assert.Len(t, rolled.Workers, 3, "all workers get a share")

	// Requests that a killed process had accepted are lost, whatever proxy is
	// in front of it; all others go to the other workers. A GET may be sent
	// again, so this part sends only GETs.
	mix.PostShare = 0
	killed := b.underLoad(mix, func() {
		for worker := range 3 {
			require.NoError(t, syscall.Kill(b.pid(worker), syscall.SIGKILL))
			time.Sleep(3 * time.Second)
		}
	})
	require.NoError(t, killed.Clean(), "three workers killed")
}

// TestTheTutorialsUpstreamIsRefused checks that the tutorial's limit of 3 failures
// in 30 s is refused. With it, one reload caused an outage of 30 s.
func TestTheTutorialsUpstreamIsRefused(t *testing.T) {
	spec := portsSpec(t)
	spec.Workers.MaxFails, spec.Workers.FailTimeout = 3, 30*time.Second
	require.ErrorContains(t, spec.Validate(), "workers.failTimeout: 30s is not below lifecycle.steady (1s)")
	spec.Lifecycle.Steady = 31 * time.Second
	require.NoError(t, spec.Validate())
}

// TestAffinity checks that a client stays with one worker, and moves to another
// one when that worker ends.
func TestAffinity(t *testing.T) {
	spec := portsSpec(t)
	spec.Workers.Affinity = true
	b := newBare(t, spec)
	b.awaits(b.release("first"))
	asked := func() string {
		resp, err := http.Get(b.url() + "/")
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
		return resp.Header.Get("X-Worker")
	}
	mine := asked()
	for range 20 {
		require.Equal(t, mine, asked())
	}
	n, err := strconv.Atoi(mine)
	require.NoError(t, err)
	// A stopped worker is not restarted.
	out, err := exec.CommandContext(t.Context(), "supervisorctl", "-c", filepath.Join(b.root, "etc/supervisor/supervisord.conf"),
		"stop", fmt.Sprintf("%s:%s_%d", spec.Name, spec.Name, n)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	other := asked()
	assert.NotEqual(t, mine, other)
	assert.Equal(t, other, asked())
}
