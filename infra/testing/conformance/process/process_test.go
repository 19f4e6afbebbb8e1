package process_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/process"
	"escala/infra/workspace"
)

// TestProcess runs the whole suite in a short form. `make conformance
// TARGET=process` is the long form.
func TestProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("takes about two minutes; -short leaves that out")
	}
	root, err := workspace.Root()
	require.NoError(t, err)
	o := conformance.NewOptions()
	o.Counts.Releases, o.Counts.Kills, o.Counts.WebSockets = 3, 4, 1000
	o.Rate = 300
	o.Progress = func(line string) { t.Log(line) }
	result, err := conformance.Run(t.Context(), process.New(root), o)
	require.NoError(t, err)
	assert.Empty(t, result.Missed())
	if overloaded := result.Overloaded(); len(overloaded) > 0 && !t.Failed() {
		t.Skipf("the computer was too busy for %s", strings.Join(overloaded, ", "))
	}
	done := map[string]bool{}
	for _, outcome := range result.Outcomes {
		done[outcome.ID] = outcome.NotApplicable == ""
	}
	for _, id := range []string{"releases", "bad-exits-at-once", "bad-never-ready", "bad-ready-then-answers-500", "bad-hangs-on-sigterm", "bad-truncated", "bad-wrong-architecture", "mend", "rollback", "kill-worker", "kill-supervisor", "kill-redis", "often-supervisor", "often-redis", "redis-hangs", "log-hangs", "slow-readers", "many-websockets"} {
		assert.True(t, done[id], "%s is to be done", id)
	}
	assert.Positive(t, result.Load.Sockets.Delivered)
}
