package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHistoryHasOperationsWithTheirOrigin(t *testing.T) {
	t.Parallel()
	w, state := newWorld(), t.TempDir()
	s := open(t, w, state, "config:\n  things:token: abc\n")
	none, err := s.History(time.Time{}, 10)
	require.NoError(t, err)
	assert.Empty(t, none)

	must(t, s.Up, Run{
		Message: "a title", Environment: map[string]string{"git.head": "abc"},
		Annotate: func(outputs map[string]Output, failed error) map[string]string {
			require.NoError(t, failed)
			return map[string]string{"made": outputs["made"].Value.(string)}
		},
	})
	must(t, s.Refresh, Run{})
	all, err := s.History(time.Time{}, 10)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, "update", all[0].Kind)
	assert.Equal(t, "succeeded", all[0].Result)
	assert.Equal(t, "a title", all[0].Message)
	assert.Equal(t, "abc", all[0].Environment["git.head"])
	assert.Equal(t, "with 3 letters", all[0].Environment["made"])
	assert.Equal(t, []string{"things:token"}, all[0].Keys)
	assert.Equal(t, map[string]int{"create": 4}, all[0].Changes)
	assert.Equal(t, "refresh", all[1].Kind)
	last, err := s.History(time.Time{}, 1)
	require.NoError(t, err)
	assert.Equal(t, all[1:], last)
	none, err = s.History(time.Now().Add(time.Hour), 10)
	require.NoError(t, err)
	assert.Empty(t, none)
}

// TestHistoryIsBounded checks that a long history costs no more names than are
// requested, and no more files.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	s := store{root: t.TempDir(), project: "p", stack: "s"}
	folder := s.path("history", "p", "s")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	const entries = 3 * historyBatch
	for i := range entries {
		// Only the last entries have content, because others must not be read.
		name := fmt.Sprintf("s-%d", 1_700_000_000_000_000_000+int64(i))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".history.json"), nil, 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".checkpoint.json"), nil, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "notes.txt"), nil, 0o600))
	names, err := s.historyNames(time.Time{}, 5)
	require.NoError(t, err)
	require.Len(t, names, 5)
	assert.Equal(t, fmt.Sprintf("s-%d.history.json", 1_700_000_000_000_000_000+int64(entries-1)), names[4])
	assert.IsIncreasing(t, names)
}

func TestConfigIsDecryptedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	s := open(t, newWorld(), t.TempDir(), "config:\n  things:token: abc\n  things:list: [1, 2]\n")
	value, set, err := s.Config(t.Context(), "things:list")
	require.NoError(t, err)
	assert.True(t, set)
	assert.JSONEq(t, "[1,2]", value)
	_, set, err = s.Config(t.Context(), "things:other")
	require.NoError(t, err)
	assert.False(t, set)
	_, _, err = s.Config(t.Context(), "x:y:z:w")
	require.ErrorContains(t, err, "x:y:z:w")
	assert.Equal(t, []string{"things:list", "things:token"}, s.Keys())
	assert.False(t, s.Secure("things:token"))
}
