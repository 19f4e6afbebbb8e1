package simulation

import (
	"encoding/json"
	"strconv"
	"time"

	"escala/cloudinit/agent"
)

// The agent's files of a restart.
const (
	restartFile  = "/var/lib/escala/restart.json"
	replacedFile = "/run/escala-release/restart.json"
)

// restart is the record of the last restart.
type restart struct {
	ID      string
	At      int64
	Done    bool
	Failure string
}

// restart returns the record on the disk, or an empty one.
func (w *world) restart() restart {
	var r restart
	if n := w.disk.tree[restartFile]; n != nil {
		_ = json.Unmarshal(n.data, &r) // a torn file counts as missing
	}
	return r
}

// replaces notes which processes a restart replaces.
func (w *world) replaces(content []byte) {
	var list struct{ Processes []string }
	if err := json.Unmarshal(content, &list); err != nil {
		w.violation("the list of a restart cannot be read: %v", err)
	}
	w.replaced = map[string]bool{}
	for _, name := range list.Processes {
		w.replaced[name] = true
	}
}

// mayBeStopping reports whether the agent was killed after it had recorded that it tells
// a process to end, but before it did. A second SIGTERM would cut requests, so it
// kills the process once its time is over.
func (w *world) mayBeStopping(p *process) bool {
	return w.disk.tree["/run/escala-release/ended/"+strconv.Itoa(p.pid)] != nil && w.elapsed-w.killedAt < time.Minute
}

// checkRestart runs when the agent records a restart.
func (w *world) checkRestart() {
	r := w.restart()
	if !r.Done {
		if r.ID == w.begun {
			w.violation("restart %s begins a second time", r.ID)
		}
		w.begun, w.begunAt = r.ID, w.elapsed
		return
	}
	for _, p := range w.processes {
		if r.Failure == "" && !p.dead && p.term == 0 && w.replaced[strconv.Itoa(p.pid)] && !w.mayBeStopping(p) {
			w.violation("restart %s is done, and worker %d is the process from before", r.ID, w.config.Worker(p.slot))
		}
	}
	if w.tasks != nil && r.Failure == "" {
		for i, u := range w.tasks.units {
			if u.phase == agent.ProcessUp && u.begun < w.begunAt {
				w.violation("restart %s is done, and %s is the one from before", r.ID, i)
			}
		}
	}
	w.replaced = nil
}
