// Package memlimit tells the Go runtime how much memory its container has, so
// that the garbage collector works harder before the kernel kills the process. Below
// that limit it has the collector work less while there is load, and gives the
// system the memory back when there is none.
package memlimit

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// share is the part of the limit that Go's heap may have: the rest is for
// stacks of other threads, the kernel's buffers and the executable.
const share = 0.9

// Apply sets Go's memory limit from the container's, unless GOMEMLIMIT says
// another one. It returns the limit in bytes, 0 for none.
func Apply(getenv func(string) string) int64 {
	if getenv("GOMEMLIMIT") != "" {
		return limitOr0(debug.SetMemoryLimit(-1))
	}
	bytes, ok := Container()
	if !ok {
		return 0
	}
	limit := Heap(bytes)
	debug.SetMemoryLimit(limit)
	return limit
}

// Heap is what Go may use of a container's memory, both in bytes.
func Heap(container int64) int64 { return int64(float64(container) * share) }

func limitOr0(n int64) int64 {
	if n == math.MaxInt64 {
		return 0
	}
	return n
}

// Container is the smallest memory limit, in bytes, of the control groups that
// this process is in.
func Container() (int64, bool) {
	membership, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	return smallest("/sys/fs/cgroup", membership)
}

// smallest looks at the process's group and all that contain it, since each of
// them limits it. In a container without a view of the host the group is "/".
func smallest(root string, membership []byte) (int64, bool) {
	least, found := int64(math.MaxInt64), false
	for _, file := range files(root, membership) {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		// "max" is no number, and v1's "no limit" is close to 2^63.
		if err != nil || n <= 0 || n > 1<<60 {
			continue
		}
		least, found = min(least, n), true
	}
	return least, found
}

// files are where the limits may stand, for control groups v2 and v1.
func files(root string, membership []byte) []string {
	var out []string
	lines := bufio.NewScanner(bytes.NewReader(membership))
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		var base, name string
		switch {
		case parts[0] == "0" && parts[1] == "":
			base, name = root, "memory.max"
		case strings.Contains(","+parts[1]+",", ",memory,"):
			base, name = filepath.Join(root, "memory"), "memory.limit_in_bytes"
		default:
			continue
		}
		for group := filepath.Clean("/" + parts[2]); ; group = filepath.Dir(group) {
			out = append(out, filepath.Join(base, group, name))
			if group == "/" {
				break
			}
		}
	}
	return out
}
