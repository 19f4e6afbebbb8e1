package gate

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// slowTimer is a context whose timer fires late.
type slowTimer struct {
	context.Context
	deadline time.Time
}

func (s slowTimer) Deadline() (time.Time, bool) { return s.deadline, true }

func TestPassed(t *testing.T) {
	assert.False(t, Passed(t.Context()))
	assert.False(t, Passed(slowTimer{t.Context(), time.Now().Add(time.Hour)}))
	assert.True(t, Passed(slowTimer{t.Context(), time.Now()}), "before the timer fires")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.True(t, Passed(ended))
}
