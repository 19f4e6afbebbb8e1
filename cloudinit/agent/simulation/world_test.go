// Package simulation runs the agent's whole life in memory: random releases and
// faults, checked after each step.
package simulation

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path"
	"slices"
	"time"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/request"
	"escala/service"
	"escala/service/machine"
)

// world is a machine and its environment.
type world struct {
	rng    *rand.Rand
	config agent.Config
	memory int

	elapsed time.Duration
	slept   time.Duration // of elapsed, by the bubble's clock
	offset  time.Duration // of the wall clock

	store      *releaseStore
	commands   commands
	binaries   map[service.ReleaseID]*binary
	disk       *disk
	sup        *supervisor
	processes  []*process
	sockets    map[int]*process
	pids       int
	dependency bool
	tried      map[service.ReleaseID]bool // passed a preflight

	script    []event
	life      *life
	steps     int
	killAt    int // of steps; 0 for none
	over      bool
	problem   string
	killedAt  time.Duration // the last kill of the agent
	operated  time.Duration // the last update after all faults
	lastFault time.Duration // processes from before it may have ended
	servedAt  time.Duration // when served became true
	served    bool          // a good release has served on all workers
	asked     request.Restarting
	addressed bool   // the machine is in a cloud that tells its address
	address   int    // counts the addresses that the machine has had
	begun     string // the last restart that began
	begunAt   time.Duration
	replaced  map[string]bool // the processes that it replaces
	status    machine.Status
	trace     []string
	tasks     *tasks   // nil without processes and schedules
	traffic   *traffic // nil if releases are not watched
	verbose   bool
}

func newWorld(seed uint64, script []event) *world {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 1)), binaries: map[service.ReleaseID]*binary{}, tried: map[service.ReleaseID]bool{},
		sockets: map[int]*process{}, dependency: true, script: script, lastFault: -time.Hour,
	}
	w.config = agent.Config{
		Name: "api", User: "escala", Workers: 2 + w.rng.IntN(2), Mode: service.WorkersShared, HealthPath: "/health", ReadyPath: "/ready",
		Start: agent.Duration(4 * time.Second), Steady: agent.Duration(time.Second), Stop: agent.Duration(6 * time.Second),
		Idle: agent.Duration(time.Second),
		Poll: agent.Duration(2 * time.Second), MemoryMiB: 100, Kept: 3,
	}
	w.addressed = slices.ContainsFunc(script, func(e event) bool { return e.kind == moveAddress })
	w.memory = []int{0, 100, 1000}[w.rng.IntN(3)]
	if w.rng.IntN(3) == 0 {
		w.config.Mode = service.WorkersPorts
	}
	w.disk = newDisk(w)
	w.store, w.commands = &releaseStore{}, newCommands()
	w.sup = &supervisor{up: true, number: 1}
	// The first agent knows it.
	if slices.ContainsFunc(script, func(e event) bool { return e.kind == useCommand }) {
		w.useCommand()
	}
	for range w.config.Slots() {
		w.sup.slots = append(w.sup.slots, &slot{state: agent.SlotStopped})
	}
	return w
}

// overlaps reports whether new workers start beside the old ones.
func (w *world) overlaps() bool {
	return w.config.Mode == service.WorkersShared && w.memory >= w.config.MemoryMiB
}

func (w *world) now() time.Duration { return w.elapsed }

var epoch = time.Unix(1_700_000_000, 0)

func (w *world) wall() time.Time { return epoch.Add(w.elapsed + w.offset) }

func (w *world) between(a, b time.Duration) time.Duration {
	return a + time.Duration(w.rng.Int64N(int64(b-a)+1))
}

func (w *world) process(pid int) *process {
	for _, p := range w.processes {
		if p.pid == pid && !p.dead {
			return p
		}
	}
	return nil
}

func (w *world) idOf(name string) service.ReleaseID {
	return service.ReleaseID(path.Base(path.Dir(name)))
}

// stopped is the panic that ends a life of the agent.
type stopped struct{}

// life gives the agent access to the world until the agent is killed.
type life struct {
	w    *world
	dead bool
	// yield is set for a process beside the agent: it lets time pass.
	yield func(time.Duration)
}

// call runs at the beginning of each call of the agent: time passes, and the
// agent may be killed.
func (l *life) call() {
	w := l.w
	if l.dead || w.over {
		panic(stopped{})
	}
	if l.yield != nil {
		l.yield(w.tasks.between(0, 20*time.Millisecond))
		return
	}
	w.steps++
	w.pass(w.between(0, 20*time.Millisecond))
	if w.killAt > 0 && w.steps >= w.killAt {
		w.killAt, w.killedAt = 0, w.elapsed
		w.note("the agent is killed")
		l.dead = true
	}
	if l.dead || w.over {
		panic(stopped{})
	}
}

// after runs at the end of a call that changes something. The agent may be
// killed before it sees the result.
func (l *life) after() {
	if l.yield != nil {
		return
	}
	if w := l.w; w.killAt > 0 && w.rng.IntN(2) == 0 && w.steps+1 >= w.killAt {
		w.killAt, w.killedAt = 0, w.elapsed
		w.note("the agent is killed")
		l.dead = true
		panic(stopped{})
	}
}

// clock is the agent's clock.
type clock struct{ *life }

var _ agent.Clock = clock{}

func (c clock) Now() time.Time { return c.w.wall() }

func (c clock) Elapsed() time.Duration { return c.w.elapsed }

func (c clock) Sleep(_ context.Context, d time.Duration) error {
	c.call()
	c.w.pass(d)
	// The bubble's clock follows.
	time.Sleep(c.w.elapsed - c.w.slept)
	c.w.slept = c.w.elapsed
	if c.dead || c.w.over {
		panic(stopped{})
	}
	return nil
}

// tick is the step in which time passes.
const tick = 250 * time.Millisecond

// pass lets time pass and applies everything that is due.
func (w *world) pass(d time.Duration) {
	for end := w.elapsed + d; ; {
		w.elapsed = min(end, w.elapsed+tick)
		for len(w.script) > 0 && w.script[0].at <= w.elapsed {
			e := w.script[0]
			w.script = w.script[1:]
			w.happens(e)
		}
		w.moves()
		if w.elapsed >= end || w.over {
			return
		}
	}
}

// moves updates the processes and the supervisor.
func (w *world) moves() {
	live := w.processes[:0]
	for _, p := range w.processes {
		w.lives(p)
		if !p.dead {
			live = append(live, p)
		}
	}
	w.processes = live
	if w.traffic != nil {
		w.traffic.moves()
	}
	w.supervise()
	if w.tasks != nil {
		w.tasks.moves()
	}
	w.commandsMove()
}

func (w *world) note(format string, args ...any) {
	if w.verbose {
		w.trace = append(w.trace, fmt.Sprintf("%8.2fs ", w.elapsed.Seconds())+fmt.Sprintf(format, args...))
	}
}

// violation ends the simulation with a failure.
func (w *world) violation(format string, args ...any) {
	if w.problem == "" {
		w.problem = fmt.Sprintf(format, args...)
		w.note("VIOLATION: %s", w.problem)
	}
	w.over = true
}

// run runs the whole simulation. It returns the failure, or "".
func (w *world) run() string {
	defer func() {
		if w.tasks != nil {
			w.tasks.reset()
			w.tasks.rivalActs.kill()
		}
	}()
	for !w.over {
		w.live()
		w.pass(time.Second)
	}
	return w.problem
}

// live runs the agent from its start until it is killed.
func (w *world) live() {
	l := &life{w: w}
	w.life = l
	defer func() {
		l.dead = true
		for _, p := range w.processes {
			if p.life == l {
				w.exit(p, 137) // the kernel does
			}
		}
		if r := recover(); r != nil {
			if _, ok := r.(stopped); !ok {
				panic(r)
			}
		}
	}()
	var log bytes.Buffer
	a := &agent.Agent{
		Config: w.config, Store: lifeStore{l}, Disk: lifeDisk{l}, Supervisor: lifeSupervisor{l}, Workers: lifeWorkers{l},
		Clock: clock{l}, Log: slog.New(slog.DiscardHandler), MachineID: "i-1",
	}
	if w.addressed {
		a.Address = l.address
	}
	if w.verbose {
		a.Log = slog.New(slog.NewTextHandler(&log, nil))
	}
	if w.tasks != nil {
		a.Processes, a.Schedules, a.Boot = lifeProcesses{l}, lifeSchedules{l}, w.boot()
	}
	if w.commands.on {
		a.Shared, a.Commands = lifeShared{l}, lifeCommands{l}
	}
	if w.traffic != nil {
		a.Traffic = lifeTraffic{l, w.traffic.ended}
		w.traffic.began = w.elapsed
	}
	w.note("the agent starts")
	for {
		if w.asked.ID != "" {
			a.Restart(w.asked)
		}
		w.status = a.Round(context.Background())
		if w.verbose {
			w.note("%s %s: %s %s", w.status.Phase, w.status.Current.Short(), w.status.Reason, log.String())
			log.Reset()
		}
		w.requireSettled()
		_ = clock{l}.Sleep(context.Background(), time.Duration(w.config.Poll))
	}
}
