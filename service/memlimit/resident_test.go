//go:build !race

// The race detector keeps memory of its own for every address that was used, which
// the kernel counts as this process's: what it gives back cannot be measured then.

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

// TestMemoryIsGivenBack checks the kernel's count of the memory, and the figures
// that rest judges by. It runs before the package's parallel tests.
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
