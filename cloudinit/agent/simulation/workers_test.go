package simulation

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"escala/cloudinit/agent"
	"escala/service"
)

// process runs a release, or waits for the first one.
type process struct {
	pid     int
	slot    int // -1 for a preflight
	binary  *binary
	started time.Duration
	warmUp  time.Duration
	drain   time.Duration
	socket  int // the supervisor's, by its number
	address int // the machine's when it started
	orphan  bool
	term    time.Duration // when it was told to end; 0 before
	told    int
	hung    bool
	dead    bool
	status  int
	life    *life // a preflight's agent
}

// supervisor simulates supervisord.
type supervisor struct {
	up      bool
	number  int // counts supervisors: each has a socket of its own
	proxy   int // the number of the socket that the proxy reaches
	slots   []*slot
	returns time.Duration // when it is started again
}

type slot struct {
	state   agent.SlotState
	process *process
	retry   time.Duration
	tries   int
}

// serves reports whether a process answers requests now.
func (w *world) serves(p *process) bool {
	return !p.dead && !p.hung && p.binary != nil && p.term == 0 && w.ready(p)
}

func (w *world) ready(p *process) bool {
	if p.dead || p.hung || p.binary == nil || p.term > 0 || w.now() < p.started+p.warmUp {
		return false
	}
	switch p.binary.kind {
	case exits, neverReady:
		return false
	case needsDependency:
		return w.dependency
	case failsAsWorker:
		return p.slot < 0
	}
	return true
}

// answer returns a process's answer on its own socket.
func (w *world) answer(p *process, path string) agent.Answer {
	if p.dead || p.hung || p.binary == nil || w.now() < p.started+p.warmUp {
		return agent.Answer{}
	}
	a := agent.Answer{Code: 200, Release: p.binary.ID}
	switch {
	case p.binary.kind == answersAsAnother:
		a.Release = service.ReleaseID(strings.Repeat("f", 64))
	case p.binary.kind == unhealthy && path == w.config.HealthPath:
		a.Code = 500
	}
	if path == w.config.ReadyPath && !w.ready(p) {
		a.Code = 503
	}
	return a
}

// trouble returns a worker's report about its dependency: the failure, and its
// reason, which must not be public.
func (w *world) trouble(p *process) string {
	if p.binary != nil && p.binary.kind == needsDependency && !w.dependency && w.answer(p, w.config.HealthPath).Code == 200 {
		return away + ": dial tcp 10.0.0.3:5432: connection refused"
	}
	return ""
}

const away = "the database is away"

// spawn starts a process. A worker runs the release to which the symlink
// points.
func (w *world) spawn(slotNumber int) *process {
	w.pids++
	p := &process{
		pid: w.pids, slot: slotNumber, started: w.now(), socket: w.sup.number, address: w.address,
		warmUp: w.between(50*time.Millisecond, 2*time.Second), drain: w.between(0, time.Duration(w.config.Stop)-time.Second),
	}
	w.processes = append(w.processes, p)
	if slotNumber >= 0 {
		w.sockets[slotNumber] = p
		w.execute(p)
	}
	return p
}

// execute makes a worker run the current release, once there is one.
func (w *world) execute(p *process) {
	link := w.disk.tree["/opt/escala/current"]
	if link == nil || link.target == "" {
		return
	}
	id := service.ReleaseID(link.target[len("releases/"):])
	n := w.disk.tree["/opt/escala/"+link.target+"/"+w.config.Name]
	b := w.binaries[id]
	if n == nil || b == nil || string(n.data) != string(b.content) {
		w.violation("a worker runs what is not release %s", id.Short())
		w.exit(p, 126)
		return
	}
	if !w.tried[id] {
		w.violation("a worker runs release %s, which has not passed a preflight", id.Short())
	}
	if c := w.commands; c.on && !c.done[id] && !c.without[id] {
		w.violation("a worker runs release %s, whose command has not ended well", id.Short())
	}
	p.binary, p.started = b, w.now()
}

func (w *world) exit(p *process, status int) {
	p.dead, p.status = true, status
}

// lives applies the changes of a process that are due.
func (w *world) lives(p *process) {
	if p.dead {
		return
	}
	now := w.now()
	if p.binary == nil {
		w.execute(p)
		return
	}
	switch p.binary.kind {
	case exits:
		if now >= p.started+p.warmUp/4 {
			w.exit(p, 7)
			return
		}
	case failsAsWorker:
		if p.slot >= 0 && now >= p.started+p.warmUp/4 {
			w.exit(p, 8)
			return
		}
	}
	if p.term == 0 || p.hung {
		return
	}
	if p.binary.kind != hangsOnTerm && now >= p.term+p.drain {
		w.exit(p, 0)
	}
}

// supervise applies supervisord's actions to its slots.
func (w *world) supervise() {
	s := w.sup
	if !s.up {
		if s.returns > 0 && w.now() >= s.returns {
			s.up, s.returns = true, 0
			s.number++
			for i := range s.slots {
				s.slots[i] = &slot{state: agent.SlotStopped}
			}
		}
		return
	}
	for i, sl := range s.slots {
		p := sl.process
		switch sl.state {
		case agent.SlotStarting, agent.SlotRunning:
			if !p.dead {
				if w.now() >= p.started+time.Second {
					sl.state, sl.tries = agent.SlotRunning, 0
				}
				continue
			}
			sl.process = nil
			if w.traffic != nil {
				w.traffic.ended++
			}
			if sl.state == agent.SlotRunning {
				sl.state, sl.process = agent.SlotStarting, w.spawn(i)
				continue
			}
			if sl.tries++; sl.tries > 18 {
				sl.state = agent.SlotFailed
				continue
			}
			sl.state, sl.retry = agent.SlotBackoff, w.now()+time.Duration(sl.tries)*time.Second
		case agent.SlotBackoff:
			if w.now() >= sl.retry {
				sl.state, sl.process = agent.SlotStarting, w.spawn(i)
			}
		case agent.SlotStopping:
			if !p.dead && w.now() >= p.term+time.Duration(w.config.Stop) {
				w.exit(p, 137)
			}
			if p.dead {
				sl.state, sl.process = agent.SlotStopped, nil
			}
		}
	}
}

type lifeSupervisor struct{ *life }

var _ agent.Supervisor = lifeSupervisor{}

var errNoSupervisor = errors.New("supervisord does not answer")

func (s lifeSupervisor) Slots(context.Context) ([]agent.Slot, error) {
	s.call()
	if !s.w.sup.up {
		return nil, errNoSupervisor
	}
	var out []agent.Slot
	for _, sl := range s.w.sup.slots {
		o := agent.Slot{State: sl.state}
		if p := sl.process; p != nil && !p.dead {
			o.Up, o.Process = s.w.now()-p.started, strconv.Itoa(p.pid)
			if p.binary != nil {
				o.Release = p.binary.ID
			}
		}
		out = append(out, o)
	}
	return out, nil
}

func (s lifeSupervisor) Start(_ context.Context, number int) error {
	s.call()
	defer s.after()
	if !s.w.sup.up {
		return errNoSupervisor
	}
	if sl := s.w.sup.slots[number]; sl.state == agent.SlotStopped || sl.state == agent.SlotFailed {
		sl.tries = 0
		sl.state, sl.process = agent.SlotStarting, s.w.spawn(number)
	}
	return nil
}

func (s lifeSupervisor) Stop(_ context.Context, number int) error {
	s.call()
	defer s.after()
	if !s.w.sup.up {
		return errNoSupervisor
	}
	sl := s.w.sup.slots[number]
	switch sl.state {
	case agent.SlotBackoff:
		sl.state, sl.process = agent.SlotStopped, nil
	case agent.SlotStarting, agent.SlotRunning:
		s.w.terminate(sl.process)
		sl.state = agent.SlotStopping
	}
	return nil
}

// terminate sends SIGTERM for the agent.
func (w *world) terminate(p *process) {
	if p.dead {
		return
	}
	w.checkTermination(p)
	if p.told++; p.told > 1 {
		w.violation("process %d was told to end twice, which cuts its requests", p.pid)
	}
	if p.term == 0 {
		p.term = max(w.now(), 1)
	}
	if p.binary == nil {
		w.exit(p, 0)
	}
}

func (s lifeSupervisor) Orphans(context.Context) ([]agent.Orphan, error) {
	s.call()
	if !s.w.sup.up {
		return nil, errNoSupervisor
	}
	var out []agent.Orphan
	for _, p := range s.w.processes {
		if p.orphan && !p.dead && p.binary != nil {
			out = append(out, agent.Orphan{PID: p.pid, Slot: p.slot, Process: strconv.Itoa(p.pid)})
		}
	}
	return out, nil
}

func (s lifeSupervisor) End(_ context.Context, o agent.Orphan) error {
	s.call()
	defer s.after()
	if p := s.w.process(o.PID); p != nil {
		s.w.terminate(p)
	}
	return nil
}

func (s lifeSupervisor) Kill(_ context.Context, o agent.Orphan) error {
	s.call()
	if p := s.w.process(o.PID); p != nil {
		if p.told == 0 && s.w.elapsed-s.w.killedAt > time.Minute {
			s.w.violation("process %d was killed without having been told to end", p.pid)
		}
		s.w.exit(p, 137)
	}
	return nil
}

func (s lifeSupervisor) HandedOver(context.Context) (bool, error) {
	s.call()
	return s.w.sup.proxy == s.w.sup.number, nil
}

func (s lifeSupervisor) HandOver(context.Context) error {
	s.call()
	defer s.after()
	before := s.w.reachable()
	s.w.sup.proxy = s.w.sup.number
	// A worker may stop serving after the agent has asked it.
	if before && !s.w.reachable() && !s.w.faultJustNow() {
		s.w.violation("the proxy was led to a socket at which nothing serves")
	}
	return nil
}

type lifeWorkers struct{ *life }

var _ agent.Workers = lifeWorkers{}

func (x lifeWorkers) Ask(_ context.Context, slotNumber int, path string) agent.Answer {
	x.call()
	// The last process in a slot has the socket.
	if p := x.w.sockets[slotNumber]; p != nil {
		return x.w.answer(p, path)
	}
	return agent.Answer{}
}

// Trouble takes no time, so that kept lives stay as they are.
func (x lifeWorkers) Trouble(_ context.Context, slotNumber int) string {
	if p := x.w.sockets[slotNumber]; p != nil {
		return x.w.trouble(p)
	}
	return ""
}

func (x lifeWorkers) Try(_ context.Context, name string) (agent.Preflight, error) {
	x.call()
	id := x.w.idOf(name)
	n, b := x.w.disk.tree[name], x.w.binaries[id]
	if n == nil || b == nil || string(n.data) != string(b.content) {
		x.w.violation("a preflight runs what is not release %s", id.Short())
		return nil, errors.New("cannot be executed")
	}
	p := x.w.spawn(-1)
	p.binary, p.life = b, x.life
	return &preflight{x.life, p}, nil
}

func (x lifeWorkers) Memory() int { x.call(); return x.w.memory }

func (x lifeWorkers) LastLines(int) string { x.call(); return "" }

type preflight struct {
	*life
	p *process
}

func (t *preflight) AskAdmin(_ context.Context, path string) agent.Answer {
	t.call()
	return t.w.answer(t.p, path)
}

func (t *preflight) Ask(_ context.Context, path string) agent.Answer {
	t.call()
	a := t.w.answer(t.p, path)
	if path == "/" && a.Code != 0 {
		a.Code = 200
	}
	return a
}

func (t *preflight) Ended() (int, bool) {
	t.call()
	if t.p.dead && t.p.status == 0 && !t.p.binary.kind.bad() || t.p.dead && t.p.binary.kind == failsAsWorker {
		t.w.tried[t.p.binary.ID] = true
	}
	return t.p.status, t.p.dead
}

func (t *preflight) Terminate() {
	t.call()
	t.p.told++
	t.p.term = max(t.w.now(), 1)
}

func (t *preflight) Close() { t.w.exit(t.p, 137) }

func (t *preflight) LastLines() string { return "" }
