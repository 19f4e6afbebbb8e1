package memlimit

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSmallHeapsAreCollectedLessOften(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0: 400, 1 << 20: 400, 4 << 20: 400, 6 << 20: 300, 8 << 20: 200, 12 << 20: 100, 24 << 20: 100, 1 << 40: 100,
	} {
		assert.Equal(t, want, percent(live), "%d bytes alive", live)
	}
}

func TestGOGCIsLeftAlone(t *testing.T) {
	before := debug.SetGCPercent(123)
	defer debug.SetGCPercent(before)
	Pace(t.Context(), func(string) string { return "50" })
	assert.Equal(t, 123, debug.SetGCPercent(123))
}
