package prefork

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPauseGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	const first = 100 * time.Millisecond
	for n, longest := range map[int]time.Duration{1: first, 2: 2 * first, 3: 4 * first, 9: 256 * first, 10: longestPause, 1000: longestPause} {
		for range 100 {
			d := pause(first, n)
			assert.GreaterOrEqual(t, d, longest/2, "restart %d", n)
			assert.LessOrEqual(t, d, longest, "restart %d", n)
		}
	}
}

func TestFailuresInARow(t *testing.T) {
	t.Parallel()
	s := newSlot(0)
	short, long, misconfigured := &process{code: 1}, &process{code: 1}, &process{code: exitConfig}
	long.readyAt.Store(time.Now().Add(-stable - time.Second).UnixNano())
	assert.Equal(t, 1, s.failed(short, 8))
	assert.Equal(t, 2, s.failed(short, 8))
	assert.Equal(t, 1, s.failed(long, 8), "one that was up for long starts the count again")
	assert.Equal(t, 8, s.failed(misconfigured, 8), "starting it again cannot help")
}
