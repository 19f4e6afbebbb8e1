//go:build linux

package cluster_test

import (
	"context"
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/cluster"
	"escala/infra/testing/loadgen"
	"escala/infra/workspace"
)

var (
	try         = flag.Bool("cluster", false, "try the cluster that KUBECONFIG and CONFORMANCE_… name")
	inProcesses = flag.Bool("pods", false, "try a cluster in processes of this computer")
	rate        = flag.Float64("rate", 200, "quick requests per second")
	releases    = flag.Int("releases", 5, "how many releases to roll out under load")
)

// open returns the system that the environment variables describe, or one on a
// cluster in processes.
func open(t *testing.T) *cluster.System {
	t.Helper()
	root, err := workspace.Root()
	require.NoError(t, err)
	if *inProcesses {
		return openPods(t, root).System
	}
	if !*try {
		t.Skip("-args -pods tries a cluster in processes, -args -cluster the one that KUBECONFIG and CONFORMANCE_REGISTRY name")
	}
	system, err := cluster.FromEnvironment(t.Context(), root)
	require.NoError(t, err)
	return system.(*cluster.System)
}

// TestCluster runs the checks that only a cluster has. cmd/kubernetes runs the
// checks of every target.
func TestCluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	system := open(t)
	stopped := false
	defer func() {
		if !stopped {
			assert.NoError(t, system.Stop(context.WithoutCancel(ctx)))
		}
	}()

	var endpoint conformance.Endpoint
	step(t, "up serves", func(t *testing.T) {
		began := time.Now()
		var err error
		endpoint, err = system.Start(ctx)
		require.NoError(t, err)
		t.Logf("up took %s; it serves at %s", time.Since(began).Round(time.Second), endpoint.URL)
	})

	step(t, "nothing changed, nothing done", func(t *testing.T) {
		preview, err := system.Stack.Preview(ctx)
		require.NoError(t, err)
		assert.Empty(t, changed(preview.Changes), preview.Display)
		again, err := system.Stack.Up(ctx)
		require.NoError(t, err)
		assert.Empty(t, changed(again.Changes), again.Display)
	})

	base := start(ctx, t, endpoint, *rate)

	step(t, "releases lose nothing", func(t *testing.T) {
		mark := base.Mark("releases")
		for range *releases {
			began := time.Now()
			require.NoError(t, system.Release(ctx, "release "+began.String()))
			t.Logf("a release took %s", time.Since(began).Round(time.Second))
		}
		got := lossless(t, base, mark)
		assert.Positive(t, got.Sockets.Closes[1001], "WebSockets were closed with 1001")
		assert.Positive(t, got.Sockets.Reconnects)
	})

	step(t, "a release command runs once, before the first pod, or refuses the release", func(t *testing.T) {
		mark := base.Mark("release command")
		release, err := system.ReleaseWithCommand(ctx, "the table is there", 4)
		require.Error(t, err)
		t.Logf("up failed:\n%s", err)
		assert.Contains(t, err.Error(), "the table is there")
		assert.Empty(t, release)
		lossless(t, base, mark)
		began := time.Now()
		release, err = system.ReleaseWithCommand(ctx, "the table is made", 0)
		require.NoError(t, err)
		t.Logf("the release took %s", time.Since(began).Round(time.Second))
		assert.NotEmpty(t, release)
		lossless(t, base, mark)
		system.WithoutCommand()
	})

	step(t, "an image that is not there leaves the pods of before", func(t *testing.T) {
		mark := base.Mark("image that is not there")
		began := time.Now()
		reason, err := system.ReleaseMissing(ctx)
		require.NoError(t, err)
		t.Logf("up failed after %s:\n%s", time.Since(began).Round(time.Second), reason)
		assert.Regexp(t, "ErrImagePull|ImagePullBackOff|pull", reason)
		lossless(t, base, mark)
		require.NoError(t, system.Release(ctx, "mended"))
		lossless(t, base, mark)
	})

	step(t, "a drain takes one pod at a time", func(t *testing.T) {
		mark := base.Mark("drain")
		began := time.Now()
		refusals, err := system.Drain(ctx)
		require.NoError(t, err)
		t.Logf("the drain took %s; the budget said %d times that it had to wait, first: %s", time.Since(began).Round(time.Second), len(refusals), first(refusals))
		assert.NotEmpty(t, refusals)
		lossless(t, base, mark)
	})

	step(t, "without preStop requests are lost, so losses are seen here", func(t *testing.T) {
		undo, err := system.WithoutPreStop(ctx)
		require.NoError(t, err)
		mark := base.Mark("without preStop")
		var got loadgen.Snapshot
		for range 5 {
			require.NoError(t, system.Restart(ctx))
			got = since(base, mark)
			if got.Failed > 0 {
				break
			}
		}
		t.Logf("%d requests, %d failed %v %v", got.OK+got.Failed, got.Failed, got.Kinds, got.Status)
		assert.Positive(t, got.Failed)
		require.NoError(t, undo(ctx))
		mark = base.Mark("with preStop again")
		require.NoError(t, system.Restart(ctx))
		lossless(t, base, mark)
	})

	step(t, "stop the load", func(t *testing.T) {
		base.stop()
		_, err := base.Wait()
		require.NoError(t, err)
	})

	step(t, "a release that hangs on SIGTERM costs no request when it goes", func(t *testing.T) {
		require.NoError(t, system.Stack.Clone.Bad(conformance.HangsOnTerm))
		_, err := system.Stack.Up(ctx)
		require.NoError(t, err)
		plain := startStreams(ctx, t, endpoint, *rate, nil)
		began := time.Now()
		require.NoError(t, system.Release(ctx, "after the one that hangs"))
		t.Logf("the release took %s", time.Since(began).Round(time.Second))
		got := since(plain, loadgen.Snapshot{})
		t.Logf("%d requests, %d failed %v", got.OK+got.Failed, got.Failed, got.Kinds)
		assert.Positive(t, got.OK)
		assert.Zero(t, got.Failed, "the release began %s after the load: %+v", began.Sub(plain.Start()), plain.Failures(plain.Start()))
		plain.stop()
		_, err = plain.Wait()
		require.NoError(t, err)
	})

	step(t, "the number of pods follows the load, up and down", func(t *testing.T) {
		require.NoError(t, system.ScaleAt(ctx, 25))
		before, err := system.Pods(ctx)
		require.NoError(t, err)
		began := time.Now()
		burst := start(ctx, t, endpoint, 2**rate)
		most, err := system.AwaitPods(ctx, 5*time.Minute, func(n int) bool { return n > before })
		require.NoError(t, err)
		t.Logf("from %d to %d pods within %s", before, most, time.Since(began).Round(time.Second))
		time.Sleep(20 * time.Second)
		lossless(t, burst, loadgen.Snapshot{})
		burst.stop()
		_, err = burst.Wait()
		require.NoError(t, err)
		began = time.Now()
		quiet := start(ctx, t, endpoint, 10)
		defer quiet.stop()
		least, err := system.AwaitPods(ctx, 10*time.Minute, func(n int) bool { return n <= before })
		require.NoError(t, err)
		t.Logf("back to %d pods within %s", least, time.Since(began).Round(time.Second))
		lossless(t, quiet, loadgen.Snapshot{})
	})

	step(t, "destroy leaves nothing", func(t *testing.T) {
		stopped = true
		began := time.Now()
		require.NoError(t, system.Stop(ctx))
		t.Logf("destroy took %s", time.Since(began).Round(time.Second))
	})
}

// step is a part of one long test. When it fails, the test stops, because later
// steps depend on it.
func step(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	if !t.Run(name, f) {
		t.FailNow()
	}
}

// generator is a load that the test can stop.
type generator struct {
	*loadgen.Generator
	stop context.CancelFunc
}

func start(ctx context.Context, t *testing.T, endpoint conformance.Endpoint, rate float64) generator {
	t.Helper()
	sockets := loadgen.NewSockets()
	return startStreams(ctx, t, endpoint, rate, &sockets)
}

// startStreams starts a load with WebSockets, or without if sockets is nil.
func startStreams(ctx context.Context, t *testing.T, endpoint conformance.Endpoint, rate float64, sockets *loadgen.Sockets) generator {
	t.Helper()
	o := loadgen.NewOptions(endpoint.URL)
	o.Host = endpoint.Host
	mix := loadgen.NewMix()
	mix.Rate = rate
	o.Streams = mix.Streams()
	o.Sockets = sockets
	ctx, stop := context.WithCancel(ctx)
	g, err := loadgen.Start(ctx, o)
	require.NoError(t, err)
	time.Sleep(3 * time.Second) // until all WebSockets are in their rooms
	return generator{g, stop}
}

// since returns the counters since a mark. It includes requests of 2 s that
// were in flight.
func since(g generator, mark loadgen.Snapshot) loadgen.Snapshot {
	time.Sleep(4 * time.Second)
	return g.Snapshot().Since(mark)
}

// lossless logs the counters since a mark, and fails if anything was lost.
func lossless(t *testing.T, g generator, mark loadgen.Snapshot) loadgen.Snapshot {
	t.Helper()
	got := since(g, mark)
	s := got.Sockets
	t.Logf("%d requests, %d failed %v; %d messages, %d lost, WebSockets closed %v, %d back", got.OK+got.Failed, got.Failed, got.Kinds, s.Expected, s.Lost, s.Closes, s.Reconnects)
	assert.Positive(t, got.OK)
	assert.Zero(t, got.Unsent, "%v", got.UnsentKinds)
	assert.Zero(t, got.Failed, "%v %v", got.Kinds, got.Status)
	assert.Zero(t, s.Unclean, "%v", s.Closes)
	assert.Zero(t, s.Lost)
	return got
}

// changed returns the kinds of changes with a count above 0.
func changed(m map[string]int) []string {
	var out []string
	for kind, n := range m {
		if n > 0 && kind != "same" && kind != "read" {
			out = append(out, kind)
		}
	}
	slices.Sort(out)
	return out
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

func TestOptionsAreReportedWhole(t *testing.T) {
	err := cluster.Options{}.Validate()
	require.Error(t, err)
	for _, name := range []string{"source", "folder", "kubeconfig", "registry", "namespace"} {
		assert.Contains(t, err.Error(), name)
	}
	_, err = cluster.New(cluster.Options{Kubeconfig: os.DevNull})
	assert.Error(t, err)
}
