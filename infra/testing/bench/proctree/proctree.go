// Package proctree measures the resources of processes and all their
// descendants.
package proctree

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// Children returns the direct children of a process.
func Children(parent int) ([]int, error) {
	all, err := stats()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, p := range all {
		if p.PPID == parent {
			pids = append(pids, p.PID)
		}
	}
	return pids, nil
}

// CPU returns the processor time that the trees of the roots have used, in
// steps of 10 ms.
func CPU(roots ...int) (time.Duration, error) {
	found, err := tree(roots)
	if err != nil {
		return 0, fmt.Errorf("reading processor times: %w", err)
	}
	seconds := 0.0
	for _, p := range found {
		seconds += p.CPUTime()
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// PSS returns the memory of the trees of the roots in bytes, by the kernel's
// proportional share: a page of n processes counts as 1/n for each.
func PSS(roots ...int) (int64, error) {
	found, err := tree(roots)
	if err != nil {
		return 0, fmt.Errorf("reading memory: %w", err)
	}
	var sum uint64
	for _, s := range found {
		p, err := procfs.NewProc(s.PID)
		if err == nil {
			var rollup procfs.ProcSMapsRollup
			if rollup, err = p.ProcSMapsRollup(); err == nil {
				sum += rollup.Pss
			}
		}
		if err != nil && !isGone(err) {
			return 0, fmt.Errorf("reading the memory of process %d: %w", s.PID, err)
		}
	}
	if sum == 0 {
		return 0, errGone
	}
	return int64(sum), nil
}

// errGone means that the processes have ended.
var errGone = errors.New("the processes are gone")

func isGone(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

// stats returns all processes. It omits processes that end during the call.
func stats() ([]procfs.ProcStat, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, err
	}
	var out []procfs.ProcStat
	for _, p := range all {
		s, err := p.Stat()
		switch {
		case err == nil:
			out = append(out, s)
		case !isGone(err):
			return nil, err
		}
	}
	return out, nil
}

// tree returns the roots and all their descendants, each once.
func tree(roots []int) ([]procfs.ProcStat, error) {
	all, err := stats()
	if err != nil {
		return nil, err
	}
	children, byID := map[int][]int{}, map[int]procfs.ProcStat{}
	for _, p := range all {
		children[p.PPID] = append(children[p.PPID], p.PID)
		byID[p.PID] = p
	}
	var found []procfs.ProcStat
	for queue := roots; len(queue) > 0; queue = queue[1:] {
		p, ok := byID[queue[0]]
		if !ok {
			continue
		}
		delete(byID, p.PID)
		found = append(found, p)
		queue = append(queue[:len(queue):len(queue)], children[p.PID]...)
	}
	if len(found) == 0 {
		return nil, errGone
	}
	return found, nil
}
