// Package memlimit adapts the garbage collector to the container's memory
// limit, so that it collects more before the kernel kills the process. Below
// that limit, it collects less under load, and returns memory to the system
// when there is no load.
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

// share is the part of the limit that Go's heap may use. The rest is for stacks
// of other threads, the kernel's buffers and the executable.
const share = 0.9

// Apply sets Go's memory limit from the container's limit, unless GOMEMLIMIT
// sets it. It returns the limit in bytes, 0 for none.
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

// Heap returns the part of a container's memory that Go may use, both in bytes.
func Heap(container int64) int64 { return int64(float64(container) * share) }

func limitOr0(n int64) int64 {
	if n == math.MaxInt64 {
		return 0
	}
	return n
}

// Container returns the smallest memory limit of this process's control groups,
// in bytes.
func Container() (int64, bool) {
	membership, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	return smallest("/sys/fs/cgroup", membership)
}

// smallest checks the process's group and all groups that contain it, since
// each limits the process. In a container without a view of the host, the group
// is "/".
func smallest(root string, membership []byte) (int64, bool) {
	least, found := int64(math.MaxInt64), false
	for _, file := range files(root, membership) {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		// "max" is not a number, and v1's "no limit" is close to 2^63.
		if err != nil || n <= 0 || n > 1<<60 {
			continue
		}
		least, found = min(least, n), true
	}
	return least, found
}

// files returns the possible files of the limits, for control groups v2 and v1.
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
