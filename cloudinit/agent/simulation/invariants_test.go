package simulation

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"escala/cloudinit/agent"
	"escala/service"
	"escala/service/machine"
)

// grace is the time within which the agent must notice a fault.
const grace = 5 * time.Second

func (w *world) faultJustNow() bool { return w.elapsed-w.lastFault < grace }

func (w *world) currentID() service.ReleaseID {
	if n := w.disk.tree["/opt/escala/current"]; n != nil && len(n.target) > len("releases/") {
		return service.ReleaseID(n.target[len("releases/"):])
	}
	return ""
}

// reachable reports whether a request gets an answer.
func (w *world) reachable() bool {
	for _, p := range w.processes {
		if p.slot >= 0 && w.serves(p) && (w.config.Mode == service.WorkersPorts || p.socket == w.sup.proxy) {
			return true
		}
	}
	return false
}

// serving counts the workers that have a serving process, without counting one
// process. others reports whether another process of that process's worker
// serves.
func (w *world) serving(without *process) (workers int, others bool) {
	seen := map[int]bool{}
	for _, p := range w.processes {
		if p != without && p.slot >= 0 && w.serves(p) {
			seen[w.config.Worker(p.slot)] = true
		}
	}
	return len(seen), seen[w.config.Worker(without.slot)]
}

// checkTermination runs when the agent tells a worker to end.
func (w *world) checkTermination(p *process) {
	if w.faultJustNow() || p.slot < 0 {
		return
	}
	if w.tasks != nil && !w.served {
		return // the way back leads to a release that never served
	}
	others, same := w.serving(p)
	current := w.currentID()
	if p.binary != nil && p.binary.ID == current && !p.orphan && !same && w.answer(p, w.config.HealthPath).Code == 200 && !w.replaced[strconv.Itoa(p.pid)] {
		w.violation("worker %d is healthy, runs the current release and was told to end", w.config.Worker(p.slot))
	}
	if !w.serves(p) {
		return
	}
	switch {
	case w.overlaps() && !same:
		w.violation("worker %d was told to end before another serves in its place", w.config.Worker(p.slot))
	case !same && others < w.config.Workers-1:
		w.violation("worker %d was told to end while only %d of %d others serve", w.config.Worker(p.slot), others, w.config.Workers-1)
	}
}

// checkStatus runs when the agent publishes.
func (w *world) checkStatus(content []byte) {
	s, err := machine.Read(bytes.NewReader(content))
	if err != nil {
		w.violation("the status cannot be read: %v", err)
		return
	}
	if s.Current != w.currentID() {
		w.violation("the status says that release %s is current, and %s is", s.Current.Short(), w.currentID().Short())
	}
	if s.Wanted != "" && w.binaries[s.Wanted] == nil {
		w.violation("the status says that an unknown release is wanted")
	}
	if w.traffic != nil {
		w.traffic.check(s)
	}
	if s.Phase != machine.Serving && s.Reason == "" {
		w.violation("the status says %s and not why", s.Phase)
	}
	if s.Phase == machine.Serving && s.Current != s.Wanted {
		w.violation("the status says that all is well, and another release is wanted")
	}
	if b := w.binaries[s.Wanted]; b != nil && s.Phase == machine.Refused && b.kind == good && strings.Contains(s.Reason, "fails its preflight") {
		w.violation("a good release is refused: %s", s.Reason)
	}
	for _, worker := range s.Workers {
		if worker.Trouble != "" && worker.Trouble != away {
			w.violation("the status tells everybody %q", worker.Trouble)
		}
	}
	if w.faultJustNow() {
		return
	}
	for _, p := range w.processes {
		// The proxy still has connections to it.
		if s.Phase == machine.Serving && w.config.Mode == service.WorkersShared && p.slot >= 0 && !p.dead && p.binary != nil &&
			p.binary.ID != s.Current && p.term > 0 && w.now()-p.term < time.Duration(w.config.Idle) {
			w.violation("the status says that all is well, and a process of release %s still answers", p.binary.ID.Short())
		}
	}
	for _, worker := range s.Workers {
		if p := w.sockets[worker.Worker]; w.config.Mode == service.WorkersPorts && p != nil && (w.trouble(p) != "") != (worker.Trouble != "") && worker.Release != "" {
			w.violation("worker %d has the trouble %q, and the status says %q", worker.Worker, w.trouble(p), worker.Trouble)
		}
		if s.Phase == machine.Serving && !worker.Ready {
			w.violation("the status says that all is well, and worker %d is not ready", worker.Worker)
		}
		if worker.Ready && !w.has(worker.Worker, worker.Release) {
			w.violation("the status says that worker %d is ready with release %s", worker.Worker, worker.Release.Short())
		}
	}
}

// has reports whether a worker's process reports ready with a release, or did
// so a moment ago and was told to end since.
func (w *world) has(worker int, release service.ReleaseID) bool {
	for _, p := range w.processes {
		if p.slot >= 0 && w.config.Worker(p.slot) == worker && p.binary != nil && w.answer(p, w.config.HealthPath).Release == release {
			return true
		}
	}
	return false
}

// bound returns the time that the agent may take once all faults have ended.
func (w *world) bound() time.Duration {
	b := 3 * time.Minute
	if w.commands.on {
		// Another machine's run is given up after a time.
		b += 2 * time.Minute
	}
	if w.config.Mode == service.WorkersPorts || w.tasks != nil {
		b += 2 * agent.RetryWorkerAfter
	}
	if w.traffic != nil {
		b += 2 * w.traffic.bake.Time
	}
	return b
}

// requireSettled ends a life in which the machine reaches the right state after the
// faults.
func (w *world) requireSettled() {
	if !w.served && w.isComplete(w.currentID()) {
		b := w.binaries[w.currentID()]
		w.served, w.servedAt = b != nil && !b.bad(), w.elapsed
	}
	if len(w.script) > 0 || w.elapsed < chaos {
		return
	}
	if w.faults() || w.commands.on && w.operated == 0 && len(w.store.pointers) > 0 {
		w.heal()
		return
	}
	if w.commands.on && w.status.Phase == machine.Refused && strings.Contains(w.status.Reason, "release command") &&
		!w.commandFails(w.store.current()) && w.elapsed > w.operated+10*time.Second {
		w.operate()
	}
	if len(w.store.pointers) == 0 {
		w.over = true
		return
	}
	wrong := w.unsettled()
	if wrong == "" {
		w.over = true
		return
	}
	if w.elapsed > max(chaos+20*time.Second, w.lastFault)+w.bound() {
		w.violation("faults have ended long ago, and %s; status: %s: %s", wrong, w.status.Phase, w.status.Reason)
	}
}

// isComplete reports whether all workers serve a release, each with one process.
func (w *world) isComplete(release service.ReleaseID) bool {
	n := 0
	for _, p := range w.processes {
		if p.slot < 0 || p.binary == nil || p.term > 0 {
			continue
		}
		if p.orphan || p.binary.ID != release || !w.serves(p) {
			return false
		}
		n++
	}
	return n == w.config.Workers && w.reachable() && (w.tasks == nil || w.tasks.isComplete(release))
}

// unsettled describes the problem at the end of a life.
func (w *world) unsettled() string {
	wanted := w.store.current()
	bad := wanted.bad() || w.commandFails(wanted) || w.traffic.takenBack()
	switch current := w.currentID(); {
	case w.status.Wanted != wanted.ID:
		return "the machine does not know what is wanted"
	case !bad && current != wanted.ID:
		return "another release than the wanted one is current"
	case !bad && !w.isComplete(wanted.ID):
		return "not all workers serve the wanted release"
	case !bad && w.status.Phase != machine.Serving:
		return "the status does not say that it serves"
	case bad && current == wanted.ID && !w.served && w.status.Phase == machine.Failing:
		// There is no release to go back to. The status gives the reason why
		// the release does not serve.
	case bad && w.status.Phase != machine.Refused:
		return "a bad release is not refused"
	case bad && w.served && !w.isComplete(current):
		return "the release before a bad one does not serve on all workers"
	case w.tasks != nil && w.served && !w.tasks.timers:
		return "the timers do not run"
	}
	if last := w.restart(); w.served && w.asked.ID != "" && (last.At < w.asked.At || !last.Done) {
		return "a restart that was asked for is not done"
	}
	if w.served && w.outdated() {
		return "a worker may have connections from an address that is gone"
	}
	releases := 0
	for name := range w.disk.tree {
		if len(name) == len("/opt/escala/releases/")+64 {
			releases++
		}
	}
	// A refused release may be there beside the last releases.
	if releases > w.config.Kept+1 {
		return "old releases are still on the disk"
	}
	return ""
}
