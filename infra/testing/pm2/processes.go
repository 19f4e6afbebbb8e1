package pm2

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the kernel's unit of processor time in /proc (USER_HZ, 100 on Linux).
const tick = 10 * time.Millisecond

// process is a line of /proc/PID/stat, as far as it is needed.
type process struct {
	pid, parent int
	cpu         time.Duration
}

// parseStat reads the content of /proc/PID/stat. The name, in parentheses, may
// hold anything, so what counts begins after the last one.
func parseStat(content string) (process, error) {
	open, end := strings.IndexByte(content, '('), strings.LastIndexByte(content, ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("unexpected process statistics %.80q", content)
	}
	fields := strings.Fields(content[end+1:])
	if len(fields) < 13 {
		return process{}, fmt.Errorf("unexpected process statistics %.80q", content)
	}
	// State, parent, …; user and system time are the 12th and 13th.
	var n [4]int
	for i, text := range []string{strings.TrimSpace(content[:open]), fields[1], fields[11], fields[12]} {
		var err error
		if n[i], err = strconv.Atoi(text); err != nil {
			return process{}, fmt.Errorf("unexpected process statistics: %w", err)
		}
	}
	return process{pid: n[0], parent: n[1], cpu: time.Duration(n[2]+n[3]) * tick}, nil
}

// processes are all that run now. One that ends meanwhile is left out.
func processes() ([]process, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var all []process
	for _, path := range stats {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		p, err := parseStat(string(content))
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// tree is the roots and all that descends from them.
func tree(all []process, roots ...int) []process {
	children := map[int][]process{}
	byID := map[int]process{}
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
		byID[p.pid] = p
	}
	var found []process
	seen := map[int]bool{}
	var walk func(p process)
	walk = func(p process) {
		if seen[p.pid] {
			return
		}
		seen[p.pid] = true
		found = append(found, p)
		for _, child := range children[p.pid] {
			walk(child)
		}
	}
	for _, root := range roots {
		if p, ok := byID[root]; ok {
			walk(p)
		}
	}
	return found
}

// childrenOf are the processes that parent started itself.
func childrenOf(all []process, parent int) []int {
	var pids []int
	for _, p := range all {
		if p.parent == parent {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// cpuOf is the processor time that the trees of the roots have used.
func cpuOf(roots ...int) (time.Duration, error) {
	all, err := processes()
	if err != nil {
		return 0, fmt.Errorf("reading processor times: %w", err)
	}
	var sum time.Duration
	found := tree(all, roots...)
	if len(found) == 0 {
		return 0, errors.New("reading processor times: the processes are gone")
	}
	for _, p := range found {
		sum += p.cpu
	}
	return sum, nil
}

// pssOf is the memory of the trees of the roots in bytes, as the kernel shares
// it out: a page that n processes have counts as 1/n for each (PSS).
func pssOf(roots ...int) (int64, error) {
	all, err := processes()
	if err != nil {
		return 0, fmt.Errorf("reading memory: %w", err)
	}
	var sum int64
	for _, p := range tree(all, roots...) {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.pid))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("reading memory: %w", err)
		}
		pss, err := parsePSS(content)
		if err != nil {
			return 0, fmt.Errorf("reading the memory of process %d: %w", p.pid, err)
		}
		sum += pss
	}
	if sum == 0 {
		return 0, errors.New("reading memory: the processes are gone")
	}
	return sum, nil
}

// parsePSS finds the line "Pss: 123 kB", in bytes.
func parsePSS(content []byte) (int64, error) {
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "Pss:" && fields[2] == "kB" {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			return n * 1024, err
		}
	}
	return 0, errors.New("there is no line Pss")
}
