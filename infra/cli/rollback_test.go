package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBeforeIsTheSecondRelease(t *testing.T) {
	id, err := before([]any{"current", "the one before", "older"})
	require.NoError(t, err)
	assert.Equal(t, "the one before", id)
	for _, releases := range []any{nil, []any{}, []any{"current"}, "x"} {
		_, err := before(releases)
		require.ErrorContains(t, err, "the stack has no earlier release")
	}
	_, err = before([]any{"current", 2.0})
	require.ErrorContains(t, err, "instead of a release id")
}
