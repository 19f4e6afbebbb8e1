package local_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/targets/local/host"
	"escala/infra/targets/local/podman"
	"escala/infra/targets/local/provider"
	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/local"
	"escala/infra/testing/conformance/source"
	"escala/infra/testing/conformance/stack"
	"escala/infra/testing/loadgen"
	"escala/infra/workspace"
	"escala/service/machine"
)

var releases = flag.Int("releases", 2, "how many releases to roll out under load")

// TestLocal runs the life of a service on the local target, as its user sees
// it, and counts every request.
func TestLocal(t *testing.T) {
	if testing.Short() {
		t.Skip("boots a machine; -short leaves that out")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
	defer cancel()
	require.NoError(t, host.Install(ctx, os.Stderr))
	require.Empty(t, host.Missing())
	root, err := workspace.Root()
	require.NoError(t, err)
	clone, err := source.NewClone(root, t.TempDir())
	require.NoError(t, err)

	before := hostTraces(t)
	port := freePort(t)
	var first, previous, last stack.Update
	stack := local.NewStack(clone, map[string]any{
		"target": "local",
		"local":  map[string]any{"port": port},
	})
	destroyed := false
	defer func() {
		if !destroyed {
			assert.NoError(t, stack.Destroy(context.WithoutCancel(ctx)))
		}
	}()
	pod := podman.Podman{Folder: provider.PodmanFolder(filepath.Join(clone.Root, ".escala"))}

	step(t, "a configuration that cannot be used is reported whole and creates nothing", func(t *testing.T) {
		good := stack.Config
		stack.Config = map[string]any{
			"target":  "local",
			"locl":    map[string]any{},
			"local":   map[string]any{"port": "http"},
			"service": map[string]any{"workers": map[string]any{"count": 0}, "lifecycle": map[string]any{"drain": "40s"}, "naem": "x"},
		}
		_, err := stack.Up(ctx)
		require.Error(t, err)
		for _, want := range []string{"locl: is not a key; did you mean \"local\"?", "local.port: \"http\" is not a whole number", "service.workers.count: 0 is not from 2", "service.lifecycle.stop: 30s is too short", "service.naem: is not a key; did you mean \"name\"?", "nothing was changed"} {
			assert.Contains(t, err.Error(), want)
		}
		assert.NoDirExists(t, filepath.Join(clone.Root, ".escala", "machines"))
		stack.Config = good
	})

	step(t, "a port that is taken is reported before anything is created", func(t *testing.T) {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		require.NoError(t, err)
		defer l.Close()
		_, err = stack.Up(ctx)
		require.Error(t, err)
		assert.Contains(t, err.Error(), fmt.Sprintf("port %d of 127.0.0.1 is taken by another process", port))
		assert.NoDirExists(t, filepath.Join(clone.Root, ".escala", "machines"))
	})

	step(t, "up serves", func(t *testing.T) {
		first, err = stack.Up(ctx)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("http://127.0.0.1:%d", port), first.Outputs["url"])
		assert.Equal(t, first.Outputs["url"]+"/health", first.Outputs["health"])
		assert.Equal(t, "local", first.Outputs["target"])
		assert.Len(t, first.Outputs["release"], 64)
		last = first
		said, err := pod.Exec(ctx, onlyMachine(t, clone), "sh", "-c", `journalctl --identifier nginx --no-pager | grep -E 'setrlimit|resource limit|\[(alert|emerg)\]' || true`)
		require.NoError(t, err)
		assert.Empty(t, said, "Nginx has the limits that it asks for")
	})

	step(t, "nothing changed, nothing done", func(t *testing.T) {
		preview, err := stack.Preview(ctx)
		require.NoError(t, err)
		assert.Empty(t, changed(preview.Changes))
		again, err := stack.Up(ctx)
		require.NoError(t, err)
		assert.Empty(t, changed(again.Changes))
	})

	options := loadgen.NewOptions(first.Outputs["url"])
	loading, stopLoad := context.WithCancel(ctx)
	defer stopLoad()
	generator, err := loadgen.Start(loading, options)
	require.NoError(t, err)
	failures := func(t *testing.T, since loadgen.Snapshot) {
		t.Helper()
		time.Sleep(3 * time.Second) // the longest requests in flight take 2 s
		got := generator.Snapshot().Since(since)
		t.Logf("%d requests, %d failed", got.OK+got.Failed, got.Failed)
		assert.Positive(t, got.OK)
		if overload := loadgen.Overload(got.Lag); overload != "" && got.Failed+got.Unsent > 0 {
			t.Skip(overload)
		}
		assert.Zero(t, got.Unsent, "%v", got.UnsentKinds)
		assert.Zero(t, got.Failed, "%v %+v", got.Kinds, generator.Failures(since.At))
	}

	step(t, "releases lose no request", func(t *testing.T) {
		mark := generator.Mark("releases")
		for i := range *releases {
			require.NoError(t, clone.Good(fmt.Sprintf("release %d", i)))
			began := time.Now()
			u, err := stack.Up(ctx)
			require.NoError(t, err)
			assert.NotEqual(t, last.Outputs["release"], u.Outputs["release"])
			assert.Equal(t, u.Outputs["release"], serving(t, u.Outputs["health"]))
			t.Logf("release %d took %s", i, time.Since(began).Round(100*time.Millisecond))
			previous, last = last, u
		}
		failures(t, mark)
	})

	step(t, "a refresh right after a release finds nothing to do", func(t *testing.T) {
		refreshed, err := stack.Refresh(ctx)
		require.NoError(t, err)
		assert.Empty(t, changed(refreshed.Changes), refreshed.Display)
	})

	another, err := source.NewClone(root, t.TempDir())
	require.NoError(t, err)
	second := local.NewStack(another, map[string]any{"target": "local", "local": map[string]any{"port": freePort(t)}})

	step(t, "a preview in another clone knows nothing of this one", func(t *testing.T) {
		preview, err := second.Preview(ctx)
		require.NoError(t, err)
		assert.Equal(t, []string{"create"}, changed(preview.Changes))
		assert.NoDirExists(t, filepath.Join(another.Root, ".escala", "machines"))
	})

	longStep(t, "a second clone with the same names is a stack of its own", func(t *testing.T) {
		machine := onlyMachine(t, clone)
		defer func() { assert.NoError(t, second.Destroy(context.WithoutCancel(ctx))) }()
		u, err := second.Up(ctx)
		require.NoError(t, err)
		assert.Equal(t, u.Outputs["release"], serving(t, u.Outputs["health"]))
		assert.Equal(t, last.Outputs["release"], serving(t, last.Outputs["health"]))
		assert.Equal(t, machine, onlyMachine(t, clone))
	})

	for bad, reason := range map[conformance.Bad]string{
		conformance.ExitsAtOnce: "exits at start with status 23",
		conformance.NeverReady:  "is not ready within",
		conformance.Answers500:  "answers 500, not 200",
		conformance.HangsOnTerm: "does not end within",
	} {
		run := longStep
		if bad == conformance.NeverReady || bad == conformance.HangsOnTerm {
			run = weeklyStep
		}
		run(t, "a bad release never serves: "+string(bad), func(t *testing.T) {
			mark := generator.Mark(string(bad))
			require.NoError(t, clone.Bad(bad))
			began := time.Now()
			_, err := stack.Up(ctx)
			require.Error(t, err)
			t.Logf("up failed after %s", time.Since(began).Round(100*time.Millisecond))
			assert.Contains(t, err.Error(), reason)
			assert.Contains(t, err.Error(), "which served before, still does, on 2 of 2 workers")
			assert.Equal(t, last.Outputs["release"], serving(t, last.Outputs["health"]))
			failures(t, mark)
		})
	}

	longStep(t, "the next good release mends it", func(t *testing.T) {
		mark := generator.Mark("mended")
		require.NoError(t, clone.Good("mended"))
		u, err := stack.Up(ctx)
		require.NoError(t, err)
		previous, last = last, u
		failures(t, mark)
	})

	step(t, "a rollback serves the earlier release, on the same machine", func(t *testing.T) {
		mark := generator.Mark("rollback")
		machine := onlyMachine(t, clone)
		// The release is in the store; the build on this computer may be gone.
		require.NoError(t, os.RemoveAll(filepath.Join(clone.Root, ".escala", "build")))
		stack.Config["release"] = previous.Outputs["release"][:12]
		u, err := stack.Up(ctx)
		require.NoError(t, err)
		assert.Equal(t, previous.Outputs["release"], serving(t, u.Outputs["health"]))
		delete(stack.Config, "release")
		u, err = stack.Up(ctx)
		require.NoError(t, err)
		assert.Equal(t, last.Outputs["release"], serving(t, u.Outputs["health"]))
		assert.Equal(t, machine, onlyMachine(t, clone))
		failures(t, mark)
	})

	longStep(t, "a killed worker comes back by itself", func(t *testing.T) {
		machine := onlyMachine(t, clone)
		mark := generator.Mark("killed worker")
		_, err := pod.Exec(ctx, machine, "pkill", "--oldest", "--signal", "KILL", "--full", "opt/escala/current/api serve")
		require.NoError(t, err)
		time.Sleep(3 * time.Second)
		got := generator.Snapshot().Since(mark)
		t.Logf("%d requests, %d failed: those that the worker held", got.OK+got.Failed, got.Failed)
		_, err = stack.Up(ctx)
		require.NoError(t, err)
	})

	for unit, pidfile := range map[string]string{"supervisor": "/run/supervisord.pid", "nginx": "/run/nginx.pid"} {
		longStep(t, "a killed "+unit+" comes back by itself, and the status says so", func(t *testing.T) {
			mark := generator.Mark("killed " + unit)
			began := time.Now()
			_, err := pod.Exec(ctx, onlyMachine(t, clone), "sh", "-c", "kill -KILL $(cat "+pidfile+")")
			require.NoError(t, err)
			assert.Eventually(t, func() bool {
				return strings.Contains(incident(ctx, first.Outputs["url"]), unit+".service: Main process exited, code=killed")
			}, time.Minute, 200*time.Millisecond)
			_, err = stack.Up(ctx)
			require.NoError(t, err)
			got := generator.Snapshot().Since(mark)
			t.Logf("%d requests, %d failed while it was away; the last %s after it began", got.OK+got.Failed, got.Failed, got.LastFailure.Sub(began).Round(100*time.Millisecond))
		})
	}

	longStep(t, "a rebooted machine serves the same release", func(t *testing.T) {
		mark := generator.Mark("reboot")
		began := time.Now()
		require.NoError(t, pod.Restart(ctx, onlyMachine(t, clone), 60*time.Second))
		u, err := stack.Up(ctx)
		require.NoError(t, err)
		assert.Empty(t, changed(u.Changes))
		assert.Equal(t, last.Outputs["release"], serving(t, u.Outputs["health"]))
		got := generator.Snapshot().Since(mark)
		t.Logf("%d requests, %d failed while it was away; the last %s after it began", got.OK+got.Failed, got.Failed, got.LastFailure.Sub(began).Round(100*time.Millisecond))
	})

	longStep(t, "a change of the machine makes a new one, and the address moves", func(t *testing.T) {
		mark := generator.Mark("cutover")
		old := onlyMachine(t, clone)
		stack.Config["service"] = map[string]any{"workers": map[string]any{"count": 3}}
		u, err := stack.Up(ctx)
		require.NoError(t, err)
		assert.NotEqual(t, old, onlyMachine(t, clone))
		assert.Equal(t, first.Outputs["url"], u.Outputs["url"])
		assert.Equal(t, last.Outputs["release"], serving(t, u.Outputs["health"]))
		assertOrder(t, u.Display, "api-machine created replacement", "Address address updating", "api-machine deleting original")
		time.Sleep(3 * time.Second)
		got := generator.Snapshot().Since(mark)
		t.Logf("%d requests, %d failed", got.OK+got.Failed, got.Failed)
		for line := range strings.Lines(u.Display) {
			if strings.Contains(line, "deleted original") || strings.Contains(line, "waiting") {
				t.Log(line)
			}
		}
		// Nginx 1.22 closes its idle connections as soon as it ends, so a
		// request in flight on one is lost, as in any server's restart. Clients
		// repeat such a request if it is a GET. Nothing else may be lost.
		assert.Equal(t, got.FailedReused, got.Failed, "%v", got.Kinds)
	})

	weeklyStep(t, "a machine that does not answer has its reason in the release store", func(t *testing.T) {
		_, err := pod.Exec(ctx, onlyMachine(t, clone), "systemctl", "stop", "nginx")
		require.NoError(t, err)
		require.NoError(t, clone.Good("silent"))
		stack.Config["gate"] = map[string]any{"timeout": "25s"}
		_, err = stack.Up(ctx)
		require.Error(t, err)
		assert.Contains(t, err.Error(), "the machine reports through the release store")
		_, err = pod.Exec(ctx, onlyMachine(t, clone), "systemctl", "start", "nginx")
		require.NoError(t, err)
		delete(stack.Config, "gate")
		last, err = stack.Up(ctx)
		require.NoError(t, err)
	})

	weeklyStep(t, "security upgrades wait for apt's lock", func(t *testing.T) {
		waitsForLock(ctx, t, pod, onlyMachine(t, clone))
	})

	longStep(t, "after a restart of this computer, up brings the same machine back", func(t *testing.T) {
		mark := generator.Mark("restart")
		machine := onlyMachine(t, clone)
		restartComputer(ctx, t, pod, machine)
		_, err := pod.Exec(ctx, machine, "true")
		require.Error(t, err, "nothing runs before up")
		u, err := stack.Up(ctx)
		require.NoError(t, err)
		assert.Equal(t, machine, onlyMachine(t, clone))
		assert.Equal(t, last.Outputs["release"], serving(t, u.Outputs["health"]))
		got := generator.Snapshot().Since(mark)
		assert.Positive(t, got.OK)
	})

	step(t, "stop the load", func(t *testing.T) {
		stopLoad()
		_, err := generator.Wait()
		require.NoError(t, err)
	})

	longStep(t, "a machine that vanished is made anew", func(t *testing.T) {
		require.NoError(t, pod.Remove(ctx, onlyMachine(t, clone), 0))
		u, err := stack.Up(ctx)
		require.NoError(t, err)
		assert.Equal(t, last.Outputs["release"], serving(t, u.Outputs["health"]))
	})

	step(t, "down leaves nothing behind", func(t *testing.T) {
		require.NoError(t, stack.Destroy(ctx))
		destroyed = true
		assert.Equal(t, before, hostTraces(t))
		for _, folder := range []string{"machines", "addresses", "stores"} {
			entries, err := os.ReadDir(filepath.Join(clone.Root, ".escala", folder))
			require.NoError(t, err)
			assert.Empty(t, entries, folder)
		}
	})

	longStep(t, "up makes everything again", func(t *testing.T) {
		destroyed = false
		u, err := stack.Up(ctx)
		require.NoError(t, err)
		assert.Equal(t, first.Outputs["url"], u.Outputs["url"])
		assert.Equal(t, u.Outputs["release"], serving(t, u.Outputs["health"]))
		require.NoError(t, stack.Destroy(ctx))
		destroyed = true
		assert.Equal(t, before, hostTraces(t))
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

// longStep is a step that runs only with ESCALA_TEST=gate or all. The other steps
// cover the behaviour that every change must keep.
func longStep(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	if os.Getenv("ESCALA_TEST") != "" {
		step(t, name, f)
	}
}

// weeklyStep is a step that runs only with ESCALA_TEST=all: it waits for most of a
// minute, and tests of parts of the machine cover the same.
func weeklyStep(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	if os.Getenv("ESCALA_TEST") == "all" {
		step(t, name, f)
	}
}

// hostTraces returns the parts of this computer that the local target changes:
// network interfaces, mounts, iptables rules.
func hostTraces(t *testing.T) map[string]string {
	t.Helper()
	traces := map[string]string{}
	interfaces, err := net.Interfaces()
	require.NoError(t, err)
	for _, i := range interfaces {
		traces["interfaces"] += i.Name + "\n"
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	traces["mounts"] = string(mounts)
	for _, table := range []string{"filter", "nat"} {
		out, err := exec.CommandContext(t.Context(), "iptables", "--wait", "-t", table, "-S").Output()
		require.NoError(t, err)
		traces["iptables "+table] = string(out)
	}
	return traces
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func onlyMachine(t *testing.T, clone source.Clone) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(clone.Root, ".escala", "machines"))
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return entries[0].Name()
}

// incident returns the machine's last incident, or "" if it does not answer.
func incident(ctx context.Context, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+machine.StatusPath, nil)
	if err != nil {
		return ""
	}
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	status, err := machine.Read(resp.Body)
	if err != nil {
		return ""
	}
	return status.Incident
}

// serving returns the release that answers at url.
func serving(t *testing.T, url string) string {
	t.Helper()
	return get(t, url).Get("X-Release")
}

// changed returns the kinds of changes with a count above 0.
func changed(m map[string]int) []string {
	var out []string
	for k, n := range m {
		if n > 0 && k != "same" && k != "read" {
			out = append(out, k)
		}
	}
	return out
}

// assertOrder checks that the texts appear in s in this order.
func assertOrder(t *testing.T, s string, texts ...string) {
	t.Helper()
	at := 0
	for _, text := range texts {
		i := strings.Index(s[at:], text)
		if !assert.GreaterOrEqual(t, i, 0, "%q is not there, or not in its place", text) {
			t.Log(s)
			return
		}
		at += i
	}
}
