package simulation

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"time"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/request"
)

// eventKind is the kind of an event on a machine.
type eventKind int

const (
	point eventKind = iota // the pointer names a release
	killAgent
	crashWorker
	hangWorker
	killSupervisor
	reboot
	powerCut
	setStore
	fillDisk
	takeInodes
	makeReadOnly
	healDisk
	dependencyGoes
	dependencyComes
	jumpClock
	askRestart
	moveAddress
	useCommand     // releases have a command from the beginning
	askAgain       // another update asks for the same release
	anotherMachine // runs the command
)

// event is one event of a script.
type event struct {
	at   time.Duration
	kind eventKind
	n    int // an index or an amount
}

// String returns the event in the form that parseScript reads.
func (e event) String() string { return fmt.Sprintf("%s:%d:%d", e.at, e.kind, e.n) }

// parseScript reads events that are separated by blanks.
func parseScript(text string) ([]event, error) {
	var script []event
	for _, field := range strings.Fields(text) {
		parts := strings.Split(field, ":")
		if len(parts) != 3 {
			return nil, fmt.Errorf("%q is no event", field)
		}
		at, err := time.ParseDuration(parts[0])
		if err != nil {
			return nil, err
		}
		kind, err := strconv.Atoi(parts[1])
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(parts[2])
		if err != nil {
			return nil, err
		}
		script = append(script, event{at, eventKind(kind), n})
	}
	return script, nil
}

// chaos is the time during which faults occur.
const chaos = 90 * time.Second

// newScript returns the events of a life. The first release is good in half of
// the lives.
func newScript(seed uint64) []event {
	rng := rand.New(rand.NewPCG(seed, 2))
	script := []event{{at: time.Duration(rng.IntN(3000)) * time.Millisecond, kind: point, n: rng.IntN(2) * rng.IntN(100)}}
	add := func(at time.Duration, kind eventKind, n int) { script = append(script, event{at, kind, n}) }
	for range 3 + rng.IntN(12) {
		at := time.Duration(rng.Int64N(int64(chaos)))
		later := at + time.Duration(rng.Int64N(int64(20*time.Second)))
		switch rng.IntN(15) {
		case 0, 1, 2, 3:
			add(at, point, rng.IntN(1000))
			if rng.IntN(4) == 0 { // another operator
				add(at+time.Duration(rng.IntN(3000))*time.Millisecond, point, rng.IntN(1000))
			}
		case 4, 5:
			add(at, killAgent, 1+rng.IntN(300))
		case 6:
			add(at, []eventKind{crashWorker, hangWorker}[rng.IntN(2)], rng.IntN(100))
		case 7:
			add(at, killSupervisor, 500+rng.IntN(1500))
		case 8:
			add(at, []eventKind{reboot, powerCut}[rng.IntN(2)], 1000+rng.IntN(8000))
		case 9, 10:
			add(at, setStore, 1+rng.IntN(int(storeModes)-1))
			add(later, setStore, int(storeWell))
		case 11:
			add(at, []eventKind{fillDisk, takeInodes, makeReadOnly}[rng.IntN(3)], 0)
			add(later, healDisk, 0)
		case 12:
			add(at, dependencyGoes, 0)
			// This is longer than the time for which the agent leaves an
			// unhealthy worker alone.
			add(later+(later-at), dependencyComes, 0)
		case 13, 14:
			add(at, jumpClock, rng.IntN(200_000)-100_000)
		}
	}
	// Restarts have numbers of their own, so that they change no other event.
	own := rand.New(rand.NewPCG(seed, 3))
	for range own.IntN(3) {
		add(time.Duration(own.Int64N(int64(chaos))), askRestart, 0)
	}
	if own = rand.New(rand.NewPCG(seed, 4)); own.IntN(4) == 0 {
		for range 1 + own.IntN(2) {
			add(time.Duration(own.Int64N(int64(chaos))), moveAddress, 0)
		}
	}
	if own = rand.New(rand.NewPCG(seed, 5)); own.IntN(3) == 0 {
		add(0, useCommand, 0)
		for range own.IntN(4) {
			add(time.Duration(own.Int64N(int64(chaos))), askAgain, 0)
		}
		for range own.IntN(3) {
			add(time.Duration(own.Int64N(int64(chaos))), anotherMachine, own.IntN(1000))
		}
	}
	sort.SliceStable(script, func(i, j int) bool { return script[i].at < script[j].at })
	return script
}

// happens applies an event to the world.
func (w *world) happens(e event) {
	w.note("event %s", e)
	switch e.kind {
	case point:
		before := len(w.binaries)
		b := w.pick(e.n)
		w.ask(b, len(w.binaries) == before && e.n%2 == 0 && w.commands.done[b.ID])
	case useCommand:
		// newWorld has done it.
	case askAgain:
		if len(w.store.pointers) > 0 {
			w.ask(w.store.current().binary, false)
		}
	case anotherMachine:
		w.anotherMachine(time.Duration(e.n%20)*time.Second, e.n%3 == 0)
	case killAgent:
		w.killAt = w.steps + e.n
		if w.traffic != nil && e.n%5 == 0 {
			w.traffic.restarts()
		}
	case crashWorker, hangWorker:
		w.lastFault = w.elapsed
		var workers []*process
		for _, p := range w.processes {
			if p.slot >= 0 {
				workers = append(workers, p)
			}
		}
		if len(workers) > 0 {
			if p := workers[e.n%len(workers)]; e.kind == crashWorker {
				w.exit(p, 139)
			} else {
				p.hung = true
				if w.traffic != nil {
					w.traffic.ended++ // the agent starts it again
				}
			}
		}
	case killSupervisor:
		w.lastFault = w.elapsed
		w.killSupervisor(time.Duration(e.n) * time.Millisecond)
	case reboot, powerCut:
		w.lastFault = w.elapsed
		if e.kind == powerCut {
			w.disk.powerCut()
			if w.restart().ID != w.begun {
				w.begun = "" // the record is lost, and may be made again
			}
		} else {
			w.disk.shutDown()
		}
		w.boots(e.kind == reboot)
		if w.traffic != nil {
			w.traffic.restarts()
		}
		for _, p := range w.processes {
			w.exit(p, 137)
		}
		w.killSupervisor(time.Duration(e.n) * time.Millisecond)
		w.sup.proxy = 0
		if w.tasks != nil {
			w.tasks.reset()
		}
		if w.life != nil {
			w.life.dead = true
		}
	case setStore:
		w.store.mode = storeMode(e.n)
		if w.traffic != nil && w.store.mode == storeStale {
			w.traffic.switched.stale = true
		}
	case fillDisk:
		w.disk.full = true
	case takeInodes:
		w.disk.noInodes = true
	case makeReadOnly:
		w.disk.readOnly = true
	case healDisk:
		w.disk.full, w.disk.noInodes, w.disk.readOnly = false, false, false
	case dependencyGoes, dependencyComes:
		w.lastFault = w.elapsed
		w.dependency = e.kind == dependencyComes
	case askRestart:
		// A time, which is larger than the number of restarts.
		at := w.asked.At + 1000
		w.asked = request.Restarting{ID: strconv.FormatInt(at, 10), At: at, Reply: []byte("key")}
	case moveAddress:
		w.address++
	case jumpClock:
		w.offset += time.Duration(e.n) * time.Second
	}
}

// pick returns a release: an earlier one of the store, or a new one.
func (w *world) pick(n int) *binary {
	if n%3 == 1 && len(w.store.pointers) > 0 {
		return w.store.pointers[n%len(w.store.pointers)].binary
	}
	k := good
	if n%2 == 1 {
		k = kind(n / 2 % int(kinds))
	} else if n%10 == 4 {
		k = needsDependency
	}
	b := newBinary(len(w.binaries), k)
	b.dies = w.tasks != nil && n%7 == 3
	if w.traffic != nil {
		w.traffic.behaves(b, n)
	}
	w.binaries[b.ID] = b
	return b
}

func (w *world) killSupervisor(back time.Duration) {
	w.sup.up, w.sup.returns = false, w.elapsed+back
	for _, p := range w.processes {
		if p.slot >= 0 {
			p.orphan = true
		}
	}
	for i := range w.sup.slots {
		w.sup.slots[i] = &slot{state: agent.SlotStopped}
	}
}

// heal ends all faults.
func (w *world) heal() {
	w.note("all faults end")
	w.store.mode = storeWell
	w.disk.full, w.disk.noInodes, w.disk.readOnly = false, false, false
	w.dependency, w.lastFault = true, w.elapsed
	w.operate()
}

// operate simulates an operator who asks again for the wanted release, as an update
// does.
func (w *world) operate() {
	if w.commands.on && len(w.store.pointers) > 0 {
		last := w.store.current()
		w.ask(last.binary, last.wanted.Command == "")
		w.operated = w.elapsed
	}
}

// faults reports whether a fault around the agent is still active.
func (w *world) faults() bool {
	return w.store.mode != storeWell || w.disk.full || w.disk.noInodes || w.disk.readOnly || !w.dependency
}
