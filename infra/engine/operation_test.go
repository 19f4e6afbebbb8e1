package engine

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// must fails the test and prints the display if an operation failed.
func must(t *testing.T, operation func(context.Context, Run) (Result, error), r Run) Result {
	t.Helper()
	var out bytes.Buffer
	r.Out = &out
	result, err := operation(t.Context(), r)
	require.NoError(t, err, out.String())
	return result
}

func TestLifeOfAStack(t *testing.T) {
	t.Parallel()
	w, state := newWorld(), t.TempDir()
	s := open(t, w, state, "config:\n  things:token: abc\n")

	result := must(t, s.Preview, Run{})
	assert.Equal(t, map[string]int{"create": 4}, result.Changes, "three things and the stack")
	assert.NoDirExists(t, filepath.Join(state, ".pulumi"), "a preview writes nothing")
	assert.Zero(t, w.count())
	outputs, err := s.Outputs(t.Context())
	require.NoError(t, err)
	assert.Empty(t, outputs)

	result = must(t, s.Up, Run{})
	assert.Equal(t, map[string]int{"create": 4}, result.Changes)
	assert.Equal(t, map[string]Output{
		"made":   {Value: "with 3 letters"},
		"token":  {Value: "abc", Secret: true},
		"nested": {Value: map[string]any{"a": []any{"abc", "open"}}, Secret: true},
		"count":  {Value: float64(3)},
	}, result.Outputs)
	outputs, err = s.Outputs(t.Context())
	require.NoError(t, err)
	assert.Equal(t, result.Outputs, outputs)

	assert.Equal(t, map[string]int{"same": 4}, must(t, s.Preview, Run{}).Changes)
	assert.Equal(t, map[string]int{"same": 4}, must(t, s.Up, Run{Refresh: true}).Changes)

	t.Log("an update in place, a replacement, and two things less")
	s = open(t, w, state, "config:\n  things:token: abc\n  things:size: 2\n")
	assert.Equal(t, map[string]int{"same": 1, "update": 3}, must(t, s.Up, Run{}).Changes)
	s = open(t, w, state, "config:\n  things:token: abc\n  things:size: 2\n  things:kind: other\n")
	assert.Equal(t, map[string]int{"same": 1, "replace": 3}, must(t, s.Up, Run{}).Changes)
	assert.Equal(t, 3, w.count())
	s = open(t, w, state, "config:\n  things:token: abc\n  things:size: 2\n  things:kind: other\n  things:count: 1\n")
	assert.Equal(t, map[string]int{"same": 2, "delete": 2}, must(t, s.Up, Run{}).Changes)
	assert.Equal(t, 1, w.count())

	t.Log("what is gone is found to be gone, and made again")
	for id := range w.exists {
		w.lose(id)
	}
	// The events name what a refresh found, which the command line records.
	var found []string
	event := func(e apitype.EngineEvent) {
		if out := e.ResOutputsEvent; out != nil && out.Metadata.Op != apitype.OpSame {
			found = append(found, string(out.Metadata.Op)+" "+out.Metadata.URN[strings.LastIndex(out.Metadata.URN, ":")+1:])
		}
	}
	assert.Equal(t, map[string]int{"delete": 1, "same": 1}, must(t, s.Refresh, Run{Event: event}).Changes)
	assert.Equal(t, []string{"delete thing0"}, found)
	assert.Equal(t, map[string]int{"create": 1, "same": 1}, must(t, s.Up, Run{}).Changes)
	for id := range w.exists {
		w.lose(id)
	}
	assert.Equal(t, 1, must(t, s.Up, Run{Refresh: true}).Changes["create"])
	resources, err := s.Resources(t.Context())
	require.NoError(t, err)
	require.Len(t, resources, 3, "the stack, the provider, the thing")

	require.ErrorContains(t, s.Remove(t.Context()), "still has 2 resources")
	assert.Equal(t, map[string]int{"delete": 2}, must(t, s.Destroy, Run{Refresh: true}).Changes)
	assert.Zero(t, w.count())
	require.NoError(t, s.Remove(t.Context()))
	assert.NoFileExists(t, s.store.file())
	assert.NoDirExists(t, s.store.path("history", "things", "x"))
	require.NoError(t, s.Remove(t.Context()), "a stack without state can be removed")
	assert.Equal(t, map[string]int{"create": 2}, must(t, s.Preview, Run{}).Changes)
}

func TestHistoryAndBackups(t *testing.T) {
	t.Parallel()
	s := open(t, newWorld(), "", "config: {}\n")
	must(t, s.Up, Run{})
	must(t, s.Refresh, Run{})
	for pattern, want := range map[string]int{
		"history/things/x/x-*.history.json": 2, "history/things/x/x-*.checkpoint.json": 2,
		"backups/things/x/x.*.json": 2, "stacks/things/*": 2, "locks/organization/things/x/*": 0,
	} {
		found, err := filepath.Glob(s.store.path(filepath.FromSlash(pattern)))
		require.NoError(t, err)
		assert.Len(t, found, want, pattern)
	}
}

func TestFailingPrograms(t *testing.T) {
	t.Parallel()
	for end, shown := range map[string]string{"fail": "the program wants to fail", "panic": "an unhandled error occurred: the program panicked: the program wants to panic", "output": "the program wants an output to fail"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			s := open(t, w, "", "config:\n  things:end: "+end+"\n")
			var out bytes.Buffer
			var events []apitype.EngineEvent
			_, err := s.Up(t.Context(), Run{Out: &out, Event: func(e apitype.EngineEvent) { events = append(events, e) }})
			require.ErrorIs(t, err, ErrFailed)
			assert.Contains(t, out.String(), "error: "+shown)
			assert.NotContains(t, out.String(), "RPCs")
			assert.NotEmpty(t, events)
			_, err = s.Preview(t.Context(), Run{})
			require.ErrorIs(t, err, ErrFailed, "without a display too")
			must(t, s.Destroy, Run{})
			assert.Zero(t, w.count(), "what was made before the program failed is in the state")
		})
	}
}

func TestOfflineUsesNoPlugins(t *testing.T) {
	t.Parallel()
	s := open(t, newWorld(), "", "config: {}\n")
	s.options.Providers = nil
	var out bytes.Buffer
	_, err := s.Preview(t.Context(), Run{Out: &out})
	require.ErrorIs(t, err, ErrFailed)
	assert.Contains(t, out.String(), "provider test: this operation uses no plugins")
}

// TestInterrupted checks an update that is interrupted while it creates the second
// of three things.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := open(t, w, "", "config: {}\n")
	ctx, cancel := context.WithCancel(t.Context())
	w.creating = func(ctx context.Context, name string) error {
		if name != "thing1" {
			return nil
		}
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	_, err := s.Up(ctx, Run{})
	require.ErrorIs(t, err, ErrInterrupted)
	assert.Equal(t, 1, w.count())
	assert.NotContains(t, stateText(t, s.store.root), "pending_operations", "the provider ended what it did")

	w.creating = nil
	assert.Equal(t, map[string]int{"create": 2, "same": 2}, must(t, s.Up, Run{Refresh: true}).Changes)
}
