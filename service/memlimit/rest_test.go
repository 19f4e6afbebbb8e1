package memlimit

import (
	"context"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyAProcessAtRestGivesMemoryBack(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	constant := func(u usage) func(int) usage { return func(int) usage { return u } }
	tests := map[string]struct {
		at   func(tick int) usage
		want int
	}{
		"at rest, much to gain":                {constant(usage{live: mib, spare: 20 * mib}), 4},
		"at rest, little to gain":              {constant(usage{live: mib, spare: 4*mib - 1}), 0},
		"a large heap, less to gain than live": {constant(usage{live: 100 * mib, spare: 50 * mib}), 0},
		"a large heap, more to gain than live": {constant(usage{live: 100 * mib, spare: 100 * mib}), 4},
		"busy": {func(tick int) usage {
			return usage{live: mib, spare: 20 * mib, cycles: uint64(tick)}
		}, 0},
		"a collection now and then": {func(tick int) usage {
			return usage{live: mib, spare: 20 * mib, cycles: uint64(tick / 4)}
		}, 0},
		"busy for a while, then given back once": {func(tick int) usage {
			if tick <= 10 {
				return usage{live: mib, spare: 20 * mib, cycles: uint64(tick)}
			}
			return usage{live: mib, spare: 20 * mib * uint64(17-min(tick, 17)), cycles: 10}
		}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			freed := 0
			r := rest{free: func() { freed++ }}
			for tick := 1; tick <= 4*restTicks; tick++ {
				r.tick(tt.at(tick))
			}
			assert.Equal(t, tt.want, freed)
		})
	}
}

// resident is this process's anonymous memory in bytes, as the kernel counts it.
func resident(t *testing.T) uint64 {
	t.Helper()
	content, err := os.ReadFile("/proc/self/smaps_rollup")
	require.NoError(t, err)
	for line := range strings.Lines(string(content)) {
		if kib, found := strings.CutPrefix(line, "Anonymous:"); found {
			n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(kib), " kB"), 10, 64)
			require.NoError(t, err)
			return n << 10
		}
	}
	t.Fatal("no line Anonymous")
	return 0
}

// page is a variable of the package so that what it points to is on the heap.
var page *[4096]byte

// The kernel must see it, and the figures that rest judges by.
func TestMemoryIsGivenBack(t *testing.T) {
	const size = 64 << 20
	debug.FreeOSMemory()
	// No collection meanwhile: one would take for alive what is just being made.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for range size / 4096 {
		page = new([4096]byte)
		page[0] = 1
	}
	before, seen := resident(t), newHeap().read()
	assert.Greater(t, seen.spare, uint64(size/2), "dead, though not collected")

	ctx, cancel := context.WithCancel(t.Context())
	ticks, ended := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(ended)
		pace(ctx, ticks)
	}()
	// The first tick learns how often there was a collection. Go may begin another
	// one, now that it is allowed to again: then rest begins to count anew.
	for range 2 * (1 + restTicks) {
		ticks <- time.Now()
	}
	cancel()
	<-ended
	assert.Less(t, resident(t), before-size/2)
	assert.Less(t, newHeap().read().spare, seen.spare-size/2)
}
