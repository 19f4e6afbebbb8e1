package simulation

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faults are changes of the agent's source. Each removes one of its behaviors.
var faults = []struct{ name, file, old, new string }{
	{
		"it believes the store",
		"install.go",
		"if read.ID != release.ID {",
		"if read.ID == \"\" {",
	},
	{
		"it renames a release that is not on the disk yet",
		"install.go",
		"func() error { return d.Sync(file) },",
		"",
	},
	{
		"it rolls without a preflight",
		"install.go",
		"fault, err := a.preflight(ctx)",
		"fault, err := (*preflightFault)(nil), error(nil)",
	},
	{
		"it ends the old before the new is ready",
		"converge.go",
		"slots = append(slots, slot)\n",
		"slots = append(slots, slot)\n_ = a.Supervisor.Stop(ctx, (slot+a.Config.Workers)%a.Config.Slots())\n",
	},
	{
		"it leads the proxy to a socket at which nothing serves yet",
		"retire.go",
		"if v.good(o) {\n\t\t\treturn a.Supervisor.HandOver(ctx)",
		"if v.good(o) || true {\n\t\t\treturn a.Supervisor.HandOver(ctx)",
	},
	{
		"it never leads the proxy to the next supervisor's socket",
		"retire.go",
		"return a.Supervisor.HandOver(ctx)",
		"return nil",
	},
	{
		"it tells an orphan to end in every round",
		"retire.go",
		"case at == 0:\n",
		"case at >= 0:\n",
	},
	{
		"it starts a worker again that waits for something",
		"await.go",
		"if last.healthy {",
		"if last.healthy && v.rolling {",
	},
	{
		"it measures limits by the wall clock",
		"clock.go",
		"began := c.Elapsed()\n\tfor !done() {\n\t\tif c.Elapsed()-began >= limit",
		"began := c.Now()\n\tfor !done() {\n\t\tif c.Now().Sub(began) >= limit",
	},
	{
		"it never tries a refused release again",
		"memory.go",
		"return !now.Before(r.retryAt(c)) || now.Unix() < r.At",
		"return false",
	},
	{
		"it leaves workers alone when the machine's address moves",
		"address.go",
		"if before == now && a.moved.at == 0 {",
		"if before == now || before != \"\" {",
	},
	{
		"it forgets a move before the workers are replaced",
		"address.go",
		"case last.At < a.moved.at || !last.Done:",
		"case false:",
	},
	{
		"it does not go back",
		"outcome.go",
		"if from.ID.Valid() && from.ID != rolling.To {",
		"if from.ID.Valid() && from.ID == rolling.To {",
	},
	{
		"its status is what it was when the round began",
		"publish.go",
		"s.Phase == machine.Serving && !ok {",
		"s.Phase == machine.Serving && !ok && v.current == \"\" {",
	},
	{
		"it removes the release that serves",
		"prune.go",
		"if !id.Valid() || id == current {",
		"if !id.Valid() {",
	},
	{
		"it replaces a worker while another is missing",
		"converge.go",
		"if missing != nil {",
		"if missing != nil && len(outdated) == 0 {",
	},
	{
		"it forgets where a roll came from",
		"install.go",
		"roll{To: a.wanted.ID, From: a.servedBefore(), RequestedAt: a.wanted.RequestedAt}",
		"roll{To: a.wanted.ID, RequestedAt: a.wanted.RequestedAt}",
	},
	{
		"it says that a release serves while the one before still answers",
		"converge.go",
		"a.unused(ctx, ending)",
		"a.unused(ctx, ending[:0])",
	},
	{
		"it carries out a restart again",
		"restart.go",
		"if request.At <= last.At || last.ID",
		"if request.At == 0 || last.ID",
	},
	{
		"it says that a restart is done when it has only begun",
		"view.go",
		"&& !v.replaces(o)\n",
		"\n",
	},
	{
		"it forgets what a restart replaces when it is killed",
		"restart.go",
		"a.replaced = old.Processes",
		"a.replaced = nil",
	},
	{
		"it does not wait for the release command of another machine",
		"releasecommand.go",
		"|| a.expired(latest.CommandRun, other) {",
		"|| true {",
	},
	{
		"it takes a release command that was cut off for one that is done",
		"releasecommand.go",
		"record.Phase = runInterrupted",
		"record.Phase = runSucceeded",
	},
	{
		"it rolls while the release command runs",
		"releasecommand.go",
		"local.Release.Short())\n\t\treturn false, nil",
		"local.Release.Short())\n\t\treturn true, nil",
	},
	{
		"it begins a run before the end of the last one is recorded",
		"releasecommand.go",
		"local, err := a.follow(ctx)",
		"local, err := a.Commands.Last(ctx)",
	},
	{
		"it refuses for ever what an update asks for again",
		"memory.go",
		"return r.Release == w.ID && r.RequestedAt == w.RequestedAt",
		"return r.Release == w.ID",
	},
}

// taskFaults are faults in the code that runs processes and schedules.
var taskFaults = []struct{ name, file, old, new string }{
	{
		"a restart leaves the processes beside the workers alone",
		"processes.go",
		"if a.restarting() {",
		"if a.restarting() && false {",
	},
	{
		"it removes the release of a run",
		"prune.go",
		"kept <= a.Config.Kept || held[id]",
		"kept <= a.Config.Kept || held[\"\"]",
	},
	{
		"it takes a run without a second look",
		"schedule.go",
		"return claim == own, nil",
		"return claim.Time == own.Time, nil",
	},
	{
		"it does not look at which time was taken",
		"schedule.go",
		"case taken.Time > last.Time:",
		"case taken.Time > last.Time && taken.Machine == \"\":",
	},
	{
		"a run has the release that is being rolled out",
		"schedule.go",
		"settled = rolling.From",
		"settled = rolling.To",
	},
	{
		"it does not see that a process dies",
		"processes.go",
		"case s.Restarts > 0 || s.Phase != ProcessUp:",
		"case s.Phase == ProcessStopping:",
	},
	{
		"it starts processes only where none runs",
		"processes.go",
		"s.Phase == ProcessStopping || a.outdated(started) || other {",
		"s.Phase == ProcessStopping || other && started == \"\" {",
	},
}

// bakeFaults are faults in the code that watches a release.
var bakeFaults = []struct{ name, file, old, new string }{
	{
		"it never goes back from a release that fails",
		"bake.go",
		"case reason != \"\":",
		"case reason == \"-\":",
	},
	{
		"it goes back from a release that fails no more than the one before",
		"../../service/bakeverdict.go",
		"expected := before.Share() * float64(seen.All)",
		"expected := 0.0",
	},
	{
		"it goes back from a release whose process ended once",
		"../../service/bakeverdict.go",
		"bakeRestarts = 3",
		"bakeRestarts = 1",
	},
	{
		"it forgets to watch when it is killed",
		"bake.go",
		"w.bake, w.loaded, w.servedWritten = b, true, true",
		"w.bake, w.loaded, w.servedWritten = bake{}, true, true",
	},
	{
		"it says that a release serves while it watches it",
		"publish.go",
		"s.Phase == machine.Serving && watched != \"\" {",
		"s.Phase == machine.Serving && watched == \"-\" {",
	},
	{
		"it does not go back if it is killed after its verdict",
		"agent.go",
		"rolling.To == \"\" && a.bakeFailed(current) {",
		"rolling.To == \"-\" && a.bakeFailed(current) {",
	},
	{
		"it tries a release again that failed",
		"memory.go",
		"return r.ByCommand || r.ByBake",
		"return r.ByCommand",
	},
}

// sample limits the faults that run without ESCALA_TEST=all: one of so many runs.
// Compiling the agent for all of them takes two minutes.
const sample = 8

// TestEachPlantedFaultIsFound checks that the simulation finds each fault
// within the time of a run, and that the agent has the place of each.
func TestEachPlantedFaultIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the agent once for each fault")
	}
	if raceEnabled {
		t.Skip("the runs with a fault are not under the race detector")
	}
	if os.Getenv("FAULT") != "" {
		t.Skip("this is a run with a fault")
	}
	find(t, "TestLives", faults)
	find(t, "TestTaskLives", taskFaults)
	find(t, "(TestWatchedReleases|TestBakeLives)", bakeFaults)
}

// find checks that a test finds each fault.
func find(t *testing.T, test string, faults []struct{ name, file, old, new string }) {
	t.Helper()
	folder, err := filepath.Abs("..")
	require.NoError(t, err)
	told := regexp.MustCompile(`seed \d+: .*`)
	for i, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			source := filepath.Join(folder, fault.file)
			content, err := os.ReadFile(source)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(content), fault.old), "the place in %s", fault.file)
			if i%sample != 0 && os.Getenv("ESCALA_TEST") != "all" {
				t.Skip("ESCALA_TEST=all tries each fault")
			}
			scratch := t.TempDir()
			changed := filepath.Join(scratch, filepath.Base(fault.file))
			require.NoError(t, os.WriteFile(changed, []byte(strings.Replace(string(content), fault.old, fault.new, 1)), 0o644))
			overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
			require.NoError(t, err)
			file := filepath.Join(scratch, "overlay.json")
			require.NoError(t, os.WriteFile(file, overlay, 0o644))
			cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-failfast", "-vet=off", "-overlay", file, "-run", "^"+test+"$", ".", "-lives", "100000")
			cmd.Env = append(os.Environ(), "FAULT="+fault.name)
			said, err := cmd.CombinedOutput()
			require.Error(t, err, "no life shows it")
			found := told.FindString(string(said))
			assert.NotEmpty(t, found, "%s", said)
			t.Log(found)
		})
	}
}
