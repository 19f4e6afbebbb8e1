package engine

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticks is the number of ticks per second in /proc: 100 in every Linux ABI that
// Go supports.
const ticks = 100

// startTime returns the time at which a process started. For a zombie process
// it returns a time in the future.
func startTime(pid int) (started time.Time, known bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return time.Time{}, false
	}
	// The program's name, in parentheses, may contain any character.
	i := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[i+1:]))
	const state, start = 0, 19 // fields 3 and 22 of proc_pid_stat(5)
	if len(fields) <= start {
		return time.Time{}, false
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return time.Unix(1<<40, 0), true
	}
	since, err := strconv.ParseInt(fields[start], 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	boot, known := bootTime()
	return boot.Add(time.Duration(since) * time.Second / ticks), known
}

func bootTime() (time.Time, bool) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, false
	}
	for line := range strings.Lines(string(stat)) {
		if text, is := strings.CutPrefix(line, "btime "); is {
			seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			return time.Unix(seconds, 0), err == nil
		}
	}
	return time.Time{}, false
}
