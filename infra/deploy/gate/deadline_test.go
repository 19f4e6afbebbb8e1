package gate

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// slowTimer is a context whose timer fires late.
type slowTimer struct {
	context.Context
	deadline time.Time
}

func (s slowTimer) Deadline() (time.Time, bool) { return s.deadline, true }

func TestEnded(t *testing.T) {
	require.NoError(t, Ended(t.Context()))
	require.NoError(t, Ended(slowTimer{t.Context(), time.Now().Add(time.Hour)}))
	require.ErrorIs(t, Ended(slowTimer{t.Context(), time.Now()}), context.DeadlineExceeded, "before the timer fires")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Ended(ended), context.Canceled)
}
