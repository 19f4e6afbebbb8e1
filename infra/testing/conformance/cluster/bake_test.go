//go:build linux

package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/conformance/cluster"
	"escala/infra/testing/conformance/pods"
	"escala/infra/testing/loadgen"
	"escala/infra/workspace"
)

// underLoad is the service, but it answers a part of its requests with 500, in
// thousandths, and ends after a number of requests, if that is not 0.
const underLoad = `package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"sync/atomic"

	"escala/service/app"
	"escala/service/cli"
	"escala/service/worker"
)

const name, fails, dies = %q, %d, %d

var all atomic.Int64

func main() {
	os.Setenv("VARIANT", name)
	os.Exit(cli.Main(func(ctx context.Context, rt worker.Runtime) (worker.App, error) {
		a, err := app.New(ctx, rt)
		own := a.Handler
		a.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := all.Add(1)
			if dies > 0 && n >= dies {
				log.Print("the connection pool is used up")
				os.Exit(3)
			}
			if n*fails/1000 > (n-1)*fails/1000 {
				log.Print("the connection pool is used up")
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			own.ServeHTTP(w, r)
		})
		return a, err
	}))
}
`

// bakeTest releases to a cluster whose pods serve, under load, with Pulumi's own
// Kubernetes plugin.
type bakeTest struct {
	system *pods.System
	base   generator
	// release is the description's part about releases.
	release map[string]any
}

// up updates the stack with a service that answers fails of 1,000 requests with 500.
func (b *bakeTest) up(ctx context.Context, t *testing.T, name string, fails, dies int) (time.Duration, error) {
	t.Helper()
	root := b.system.Stack.Clone.Root
	if err := os.WriteFile(filepath.Join(root, "service/cmd/api/main.go"), fmt.Appendf(nil, underLoad, name, fails, dies), 0o600); err != nil {
		return 0, err
	}
	delete(b.system.Stack.Config, "release")
	began := time.Now()
	_, err := b.system.Stack.Up(ctx)
	took := time.Since(began)
	t.Logf("up took %s", took.Round(100*time.Millisecond))
	return took, err
}

// counted returns the load's failures since a mark. failed is the number of answers
// with status 500, lost that of all other failures.
func (b *bakeTest) counted(t *testing.T, mark loadgen.Snapshot) (lost, failed uint64) {
	t.Helper()
	got := since(b.base, mark)
	t.Logf("%d requests, %d failed: %v %v; WebSockets closed %v", got.OK+got.Failed, got.Failed, got.Status, got.Kinds, got.Sockets.Closes)
	if overload := loadgen.Overload(got.Lag); overload != "" && got.Failed+got.Unsent > 0 {
		t.Skip(overload)
	}
	assert.Positive(t, got.OK)
	failed = got.Status[500]
	return got.Failed + got.Unsent - failed, failed
}

// serving returns the release that the pods run, or "" if they run several.
func (b *bakeTest) serving(ctx context.Context, t *testing.T) string {
	t.Helper()
	status, err := b.system.Status(ctx)
	require.NoError(t, err)
	return status.Serving
}

// awaitBoth waits until all pods of a release serve beside those of the release
// before.
func (b *bakeTest) awaitBoth(ctx context.Context, t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, err := b.system.Status(ctx)
		return err == nil && status.Serving == "" && status.Ready == 6
	}, 3*time.Minute, 200*time.Millisecond, "both releases serve")
}

// TestBake checks on a cluster whose pods serve that a release that fails its clients
// is taken back, that no other release is, and what Pulumi makes of it.
func TestBake(t *testing.T) {
	if os.Getenv("ESCALA_TEST") != "all" {
		t.Skip("takes minutes on a cluster in processes; ESCALA_TEST=all runs it, and the weekly suite")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	root, err := workspace.Root()
	require.NoError(t, err)
	const bake = 15 * time.Second
	b := &bakeTest{system: openPods(t, root), release: map[string]any{"bake": bake.String()}}
	b.system.Describe(func(service map[string]any) { service["release"] = b.release })
	endpoint, err := b.system.Start(ctx)
	require.NoError(t, err)
	defer func() { assert.NoError(t, os.RemoveAll(b.system.Stack.Clone.Root)) }()
	require.NoError(t, os.Remove(filepath.Join(b.system.Stack.Clone.Root, "service/cmd/api/variant.go")))
	first := b.serving(ctx, t)
	b.base = start(ctx, t, endpoint, 60)
	defer b.base.stop()

	var good string
	step(t, "a good release passes", func(t *testing.T) {
		mark := b.base.Mark("good")
		took, err := b.up(ctx, t, "good", 0, 0)
		require.NoError(t, err)
		assert.Greater(t, took, bake)
		lost, failed := b.counted(t, mark)
		assert.Zero(t, lost)
		assert.Zero(t, failed)
		good = b.serving(ctx, t)
		assert.NotEqual(t, first, good)
		again, err := b.system.Stack.Up(ctx)
		require.NoError(t, err)
		assert.Empty(t, changed(again.Changes), again.Display)
	})

	takenBack := func(t *testing.T, err error) {
		t.Helper()
		require.Error(t, err)
		t.Log(cluster.Diagnostics(err.Error()))
		require.ErrorContains(t, err, "is taken back: ")
		require.ErrorContains(t, err, "serves alone, on 3 pods")
		require.ErrorContains(t, err, "the next update asks for it again at once, also without a change")
		assert.Equal(t, good, b.serving(ctx, t))
	}
	step(t, "one that fails 5 % is taken back", func(t *testing.T) {
		mark := b.base.Mark("fails")
		_, err := b.up(ctx, t, "fails", 50, 0)
		takenBack(t, err)
		require.ErrorContains(t, err, "of its answers in")
		require.ErrorContains(t, err, "the limit is 1%, and of those of the release before, beside it, were 0%")
		require.ErrorContains(t, err, "the connection pool is used up")
		lost, failed := b.counted(t, mark)
		assert.Zero(t, lost, "nothing but its own answers")
		assert.Positive(t, failed)
		quiet := b.base.Mark("after")
		lost, failed = b.counted(t, quiet)
		assert.Zero(t, lost+failed)
	})

	step(t, "Pulumi's state stays true: a preview and a refresh find no difference", func(t *testing.T) {
		for range 2 { // before a refresh, and after it
			preview, err := b.system.Stack.Preview(ctx)
			require.NoError(t, err)
			assert.Empty(t, changed(preview.Changes), preview.Display)
			refresh, err := b.system.Stack.Refresh(ctx)
			require.NoError(t, err)
			assert.Empty(t, changed(refresh.Changes), refresh.Display)
		}
		assert.Equal(t, good, b.serving(ctx, t), "neither changes the cluster")
	})

	step(t, "the next update tries it again", func(t *testing.T) {
		mark := b.base.Mark("again")
		_, err := b.up(ctx, t, "fails", 50, 0)
		takenBack(t, err)
		lost, failed := b.counted(t, mark)
		assert.Zero(t, lost)
		assert.Positive(t, failed)
	})

	step(t, "a rollback is not watched", func(t *testing.T) {
		mark := b.base.Mark("rollback")
		b.system.Stack.Config["release"] = first
		began := time.Now()
		_, err := b.system.Stack.Up(ctx)
		require.NoError(t, err)
		t.Logf("took %s", time.Since(began).Round(100*time.Millisecond))
		assert.Equal(t, first, b.serving(ctx, t))
		lost, failed := b.counted(t, mark)
		assert.Zero(t, lost+failed)
	})

	step(t, "another release after one that was taken back", func(t *testing.T) {
		mark := b.base.Mark("mended")
		_, err := b.up(ctx, t, "mended", 0, 0)
		require.NoError(t, err)
		good = b.serving(ctx, t)
		lost, failed := b.counted(t, mark)
		assert.Zero(t, lost+failed)
	})

	step(t, "one whose pods end under load is taken back", func(t *testing.T) {
		_, err := b.up(ctx, t, "ends", 0, 150)
		takenBack(t, err)
		require.ErrorContains(t, err, "its pods ended by themselves")
		b.counted(t, b.base.Mark("after"))
	})

	step(t, "an interrupted update: the next one goes on watching", func(t *testing.T) {
		b.release["bake"] = "60s"
		mark := b.base.Mark("interrupted")
		interrupted, interrupt := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() {
			_, err := b.up(interrupted, t, "fails slowly", 20, 0)
			ended <- err
		}()
		b.awaitBoth(ctx, t)
		interrupt()
		require.Error(t, <-ended)
		_, err := b.up(ctx, t, "fails slowly", 20, 0)
		takenBack(t, err)
		lost, failed := b.counted(t, mark)
		assert.Zero(t, lost)
		assert.Positive(t, failed)
	})

	step(t, "a node is drained during a bake", func(t *testing.T) {
		mark := b.base.Mark("drain")
		ended := make(chan error, 1)
		go func() {
			_, err := b.up(ctx, t, "drained", 0, 0)
			ended <- err
		}()
		b.awaitBoth(ctx, t)
		refusals, err := b.system.Drain(ctx)
		require.NoError(t, err)
		t.Logf("drained; the budget refused %d evictions", len(refusals))
		require.NoError(t, <-ended)
		lost, failed := b.counted(t, mark)
		assert.Zero(t, lost+failed)
		b.release["bake"] = bake.String()
	})

	step(t, "one that may fail as much passes", func(t *testing.T) {
		b.release["bakeErrors"] = "100%"
		_, err := b.up(ctx, t, "database away", 300, 0)
		require.NoError(t, err)
	})

	step(t, "one that fails as much as the one before passes", func(t *testing.T) {
		b.release["bakeErrors"] = "1%"
		before := b.serving(ctx, t)
		mark := b.base.Mark("as before")
		_, err := b.up(ctx, t, "database still away", 300, 0)
		require.NoError(t, err)
		assert.NotEqual(t, before, b.serving(ctx, t))
		lost, failed := b.counted(t, mark)
		assert.Zero(t, lost)
		assert.Positive(t, failed)
	})
}
