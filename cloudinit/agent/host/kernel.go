package host

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// These are the values of /proc that are about the machine and not about a process
// (proc(5)). A value that cannot be read is zero.

// kernelBootID returns the kernel's id of the boot.
func kernelBootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// uptime returns the time since the kernel's start.
func uptime() (time.Duration, bool) {
	content, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(content), " ")
	up, err := time.ParseDuration(first + "s")
	return up, err == nil
}

// processStart returns the start of a process, as the time since the kernel's start.
func processStart(pid int) (time.Duration, bool) {
	fields := statistics(pid)
	if fields == nil {
		return 0, false
	}
	start, err := strconv.ParseInt(fields[19], 10, 64)
	return time.Duration(start) * tick, err == nil
}

// tick is the kernel's unit of process times: USER_HZ is 100 on all of Linux'
// architectures that escala runs on.
const tick = time.Second / 100

// memory returns the machine's memory in bytes, and how much of it is available.
func memory() (total, free int64) {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(info)) {
		name, rest, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		switch name {
		case "MemTotal":
			total = kib << 10
		case "MemAvailable":
			free = kib << 10
		}
	}
	return total, free
}
