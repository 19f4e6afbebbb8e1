//go:build !race

// The race detector allocates its own memory for every used address. The kernel
// counts that memory for this process, so the returned memory cannot be measured.

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

// resident returns this process's anonymous memory in bytes, as the kernel
// counts it.
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

// page is a package variable, so that its memory is on the heap.
var page *[4096]byte

// TestMemoryIsGivenBack checks the kernel's count of the memory, and the values
// that rest uses. It runs before the package's parallel tests.
func TestMemoryIsGivenBack(t *testing.T) {
	const size = 64 << 20
	debug.FreeOSMemory()
	// Collections are off, because one would count the memory that the test is
	// allocating as alive.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for range size / 4096 {
		page = new([4096]byte)
		page[0] = 1
	}
	before, seen := resident(t), newHeap().read()
	assert.Greater(t, seen.reclaimable, uint64(size/2), "dead, though not collected")

	ctx, cancel := context.WithCancel(t.Context())
	ticks, ended := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(ended)
		pace(ctx, ticks)
	}()
	// The first tick reads the number of collections. Collections are on again,
	// so Go may start another one. rest then counts from the beginning.
	for range 2 * (1 + idleTicks) {
		ticks <- time.Now()
	}
	cancel()
	<-ended
	assert.Less(t, resident(t), before-size/2)
	assert.Less(t, newHeap().read().reclaimable, seen.reclaimable-size/2)
}
