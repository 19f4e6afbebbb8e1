package simulation

import (
	"context"
	"errors"
	"fmt"

	"escala/cloudinit/agent"
)

// address returns the cloud's answer. Sometimes the cloud does not answer, or has no
// address.
func (l *life) address(context.Context) (string, error) {
	l.call()
	switch l.w.rng.IntN(8) {
	case 0:
		return "", errors.New("the metadata service does not answer")
	case 1:
		return "", nil
	}
	return fmt.Sprintf("198.51.100.%d", 1+l.w.address), nil
}

// outdated reports whether a worker, or a process beside them, is from before the
// machine got its address.
func (w *world) outdated() bool {
	if w.tasks != nil {
		for _, u := range w.tasks.units {
			if u.phase == agent.ProcessUp && u.address != w.address {
				return true
			}
		}
	}
	for _, p := range w.processes {
		if p.slot >= 0 && p.term == 0 && p.address != w.address {
			return true
		}
	}
	return false
}
