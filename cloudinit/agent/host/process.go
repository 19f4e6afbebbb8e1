package host

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"escala/cloudinit/agent"
	"escala/service"
)

// executable returns the path of a process's program; "" for a process that has
// ended. Processes of other accounts need CAP_SYS_PTRACE (see proc(5)).
func executable(pid int) (string, error) {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
		return "", fmt.Errorf("looking at process %d: %w", pid, err)
	}
	return path, nil
}

// statistics returns the fields of /proc/PID/stat from the third on, which is
// the state (see proc(5)). It returns none for a process that has ended.
func statistics(pid int) []string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	// The second field is the name in brackets. It may contain any character.
	_, rest, _ := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") "))
	fields := strings.Fields(string(rest))
	if len(fields) < 20 || fields[0] == "Z" {
		return nil
	}
	return fields
}

// parent returns the id of a process's parent, or 0.
func parent(pid int) int {
	fields := statistics(pid)
	if fields == nil {
		return 0
	}
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}

// processName returns a process's id and start time.
func processName(pid int) string {
	fields := statistics(pid)
	if fields == nil {
		return ""
	}
	return fmt.Sprintf("%d-%s", pid, fields[19])
}

// command returns the name by which a process was started.
func command(pid int) string {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	name, _, _ := bytes.Cut(content, []byte{0})
	return string(name)
}

// variable returns a variable of a process's environment.
func variable(pid int, name string) string {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return ""
	}
	for _, entry := range bytes.Split(environ, []byte{0}) {
		if value, ok := strings.CutPrefix(string(entry), name+"="); ok {
			return value
		}
	}
	return ""
}

// orphans returns the workers' processes that are not children of the
// supervisor.
func (r Root) orphans(supervisor int) ([]agent.Orphan, error) {
	folders, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("looking for processes: %w", err)
	}
	var out []agent.Orphan
	for _, f := range folders {
		pid, err := strconv.Atoi(f.Name())
		if err != nil || !strings.HasPrefix(command(pid), r.path(currentLink)+"/") {
			continue
		}
		program, err := executable(pid)
		if err != nil {
			return nil, err
		}
		if r.release(program) == "" {
			continue
		}
		if ppid := parent(pid); ppid == 0 || ppid == supervisor {
			continue
		}
		if slot, ok := r.slot(variable(pid, service.EnvAdmin)); ok {
			out = append(out, agent.Orphan{PID: pid, Slot: slot, Process: processName(pid)})
		}
	}
	return out, nil
}

// slot returns the slot of a worker's admin socket.
func (r Root) slot(adminSocket string) (int, bool) {
	number, ok := strings.CutPrefix(filepath.Base(adminSocket), "worker-")
	slot, err := strconv.Atoi(strings.TrimSuffix(number, ".sock"))
	return slot, ok && err == nil && adminSocket == r.adminSocket(slot)
}
