//go:build linux

package cluster_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/pods"
	"escala/infra/testing/kubeplugin"
	"escala/infra/testing/loadgen"
	"escala/infra/testing/podcluster/isolated"
	"escala/infra/workspace"
)

// TestMain gives the tests a network of their own if this computer can run a
// cluster in processes.
func TestMain(m *testing.M) {
	if canRunPods() != "" {
		os.Exit(m.Run())
	}
	isolated.Run(m.Run)
}

// canRunPods returns the reason why this computer cannot run a cluster in
// processes, or "".
func canRunPods() string {
	for _, variable := range []string{apiserver.Variable, kubeplugin.Variable} {
		if os.Getenv(variable) == "" {
			return variable + " is not set; make test-rest sets it"
		}
	}
	if err := isolated.Possible(); err != nil {
		return err.Error()
	}
	return ""
}

// openPods starts a cluster in processes until the test ends.
func openPods(t *testing.T, root string) *pods.System {
	t.Helper()
	if missing := canRunPods(); missing != "" {
		t.Skip(missing)
	}
	system, err := pods.New(t.Context(), root)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, system.Cluster.Stop()) })
	return system
}

// TestPods checks releases, a drained node and a killed pod on a cluster whose pods
// serve, in a minute. `make conformance TARGET=cluster` runs all checks of the
// suite, and TestCluster with -args -pods the checks that only a cluster has.
func TestPods(t *testing.T) {
	root, err := workspace.Root()
	require.NoError(t, err)
	system := openPods(t, root)
	ctx := t.Context()
	began := time.Now()
	endpoint, err := system.Start(ctx)
	require.NoError(t, err)
	// The objects end with the cluster, so only the clone must be removed.
	defer func() { assert.NoError(t, os.RemoveAll(system.Stack.Clone.Root)) }()
	t.Logf("up took %s", time.Since(began).Round(time.Second))
	base := start(ctx, t, endpoint, 100)
	defer base.stop()

	// check runs an operation that may not cost a request.
	check := func(name string, do func(t *testing.T)) {
		step(t, name, func(t *testing.T) {
			mark, began := base.Mark(name), time.Now()
			do(t)
			t.Logf("took %s", time.Since(began).Round(time.Second))
			got := since(base, mark)
			t.Logf("%d requests, %d failed %v %v; WebSockets closed %v", got.OK+got.Failed, got.Failed, got.Kinds, got.Status, got.Sockets.Closes)
			if late := loadgen.Overload(base.Snapshot().Since(mark).Lag); late != "" && got.Failed > 0 {
				t.Skip(late)
			}
			assert.Positive(t, got.OK)
			assert.Zero(t, got.Failed)
			assert.Zero(t, got.Sockets.Unclean)
		})
	}
	check("a release", func(t *testing.T) { require.NoError(t, system.Release(ctx, "second")) })
	check("a drained node", func(t *testing.T) {
		refusals, err := system.Drain(ctx)
		require.NoError(t, err)
		assert.NotEmpty(t, refusals, "the budget lets one pod go at a time")
	})
	step(t, "a killed process", func(t *testing.T) {
		mark := base.Mark("kill")
		injected, err := system.Inject(ctx, conformance.KillWorker)
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			status, err := system.Status(ctx)
			return err == nil && status.Reason != ""
		}, 15*time.Second, 50*time.Millisecond, "the status says that a pod is missing")
		require.Eventually(t, func() bool {
			status, err := system.Status(ctx)
			return err == nil && status.Normal()
		}, 30*time.Second, 100*time.Millisecond)
		got := since(base, mark)
		t.Logf("%d requests, %d failed %v", got.OK+got.Failed, got.Failed, got.Kinds)
		for _, failure := range base.Failures(injected.At) {
			due := base.Start().Add(time.Duration(failure.Due * float64(time.Second)))
			assert.False(t, due.After(injected.At.Add(250*time.Millisecond)), "a request failed that was due %s after the kill", due.Sub(injected.At))
		}
	})
}
