package simulation

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
	"time"

	"escala/cloudinit/agent"
	"escala/service"
)

// tasks are the processes beside the workers, and a schedule of each minute with
// its timer. They live beside the agent: systemd starts and ends them.
type tasks struct {
	w     *world
	rng   *rand.Rand
	units map[agent.Instance]*unit
	boot  int

	timers bool
	fired  int64 // the last minute for which the timer fired
	// begins decides about a run, run is the run in progress, and ends records its
	// end. systemd starts no other run beside them.
	begins, ends *actor
	run          *taskRun
	begun        map[int64]int // runs by their minute, of all machines
	claims       map[string]agent.Claim
	jumped       bool
	// rival is another machine of the stack, which exists for a while.
	rival     *rivalDisk
	rivalActs *actor
	rivalAt   int64
}

// unit is a process beside the workers.
type unit struct {
	phase    agent.ProcessPhase
	binary   *binary
	intended service.ReleaseID // current when the agent started it
	begun    time.Duration     // when the agent started it
	started  time.Duration
	lives    time.Duration // of a release whose processes die
	again    time.Duration
	ends     time.Duration
	restarts int
	address  int // the machine's when it started
}

// taskRun is a run of the schedule.
type taskRun struct {
	release service.ReleaseID
	ends    time.Duration
}

const (
	schedule = "tick"
	mailer   = "mailer"
)

// decision is longer than the scheduler takes between its choice of a release and
// the run.
const decision = 10 * time.Second

func (w *world) addTasks(seed uint64) {
	t := &tasks{
		w: w, rng: rand.New(rand.NewPCG(seed, 3)), units: map[agent.Instance]*unit{}, boot: 1,
		begun: map[int64]int{}, claims: map[string]agent.Claim{},
	}
	w.tasks = t
	w.config.Processes = []agent.Process{{Name: mailer, Command: []string{"api", "mail"}, Count: 1 + t.rng.IntN(2), Stop: agent.Duration(3 * time.Second), MemoryMiB: 10}}
	w.config.Schedules = []agent.Schedule{{Name: schedule, Cron: "* * * * *", Command: []string{"api", "tick"}, MemoryMiB: 10}}
	for n := range w.config.Processes[0].Count {
		t.units[agent.Instance{Name: mailer, Number: n}] = &unit{phase: agent.ProcessDown}
	}
	for _, e := range w.script {
		t.jumped = t.jumped || e.kind == jumpClock
	}
	if t.rng.IntN(2) == 0 {
		t.rival = newRivalDisk()
	}
}

func (t *tasks) between(a, b time.Duration) time.Duration {
	return a + time.Duration(t.rng.Int64N(int64(b-a)+1))
}

// reset is the machine's reboot.
func (t *tasks) reset() {
	for _, a := range []*actor{t.begins, t.ends} {
		a.kill()
	}
	t.begins, t.ends, t.run, t.timers = nil, nil, nil, false
	t.boot++
	for i := range t.units {
		t.units[i] = &unit{phase: agent.ProcessDown}
	}
}

// moves applies what is due.
func (t *tasks) moves() {
	now := t.w.now()
	for n := range len(t.units) { // in their order: each takes random numbers
		u := t.units[agent.Instance{Name: mailer, Number: n}]
		switch u.phase {
		case agent.ProcessUp:
			if u.binary == nil && now >= u.started+10*time.Millisecond {
				t.execute(u)
			}
			if u.binary != nil && u.binary.dies && now >= u.started+u.lives {
				u.phase, u.binary, u.again = agent.ProcessAgain, nil, now+2*time.Second
			}
		case agent.ProcessAgain:
			if now >= u.again {
				u.restarts++
				u.phase, u.started, u.lives = agent.ProcessUp, now, t.between(0, 500*time.Millisecond)
				u.address = t.w.address
			}
		case agent.ProcessStopping:
			if now >= u.ends {
				u.phase, u.binary = agent.ProcessDown, nil
			}
		}
	}
	t.schedule()
	t.rivalry()
}

// execute makes a process run the current release.
func (t *tasks) execute(u *unit) {
	b := t.w.binaries[t.w.currentID()]
	if b == nil || !t.w.tried[b.ID] {
		t.w.violation("a process runs release %s, which has not passed a preflight", t.w.currentID().Short())
		return
	}
	u.binary = b
}

// schedule is systemd's timer and its unit.
func (t *tasks) schedule() {
	minute := t.w.wall().Unix() / 60
	if minute < t.fired-1 {
		t.fired = minute // systemd looks again when the clock is set
	}
	if t.timers && minute > t.fired {
		t.fired = minute
		if t.begins == nil && t.ends == nil && t.run == nil {
			s := t.scheduler(func(l *life) agent.Disk { return lifeDisk{l} }, "i-1", t.w.wall)
			t.begins = t.w.act(func() {
				release, err := s.Begin(context.Background())
				t.w.note("the run of minute %d: %s %v", minute, release.Short(), err)
				if err == nil && release != "" {
					t.starts(release, s)
				}
			}, s)
		}
	}
	if t.begins.step(t.w.now()) {
		t.begins = nil
	}
	if t.begins != nil && t.rng.IntN(400) == 0 {
		t.w.note("the scheduler is killed")
		t.begins.kill()
		t.begins = nil
		t.end("signal")
	}
	if t.run != nil && t.w.now() >= t.run.ends {
		t.run = nil
		t.end("success")
	}
	if t.ends.step(t.w.now()) {
		t.ends = nil
	}
}

func (t *tasks) end(result string) {
	s := t.scheduler(func(l *life) agent.Disk { return lifeDisk{l} }, "i-1", t.w.wall)
	t.ends = t.w.act(func() { _ = s.End(0, result) }, s)
}

// starts runs when the scheduler becomes the command.
func (t *tasks) starts(release service.ReleaseID, s *agent.Scheduler) {
	t.counts(s)
	b := t.w.binaries[release]
	n := t.w.disk.tree[path.Join("/opt/escala/releases", string(release), t.w.config.Name)]
	switch {
	case b == nil || n == nil || string(n.data) != string(b.content):
		t.w.violation("a run has release %s, which is not there", release.Short())
	case b.bad() && t.w.served && t.w.elapsed-t.w.servedAt > decision:
		t.w.violation("a run has release %s, which does not serve", release.Short())
	}
	t.run = &taskRun{release, t.w.now() + t.between(time.Second, 100*time.Second)}
}

// counts checks that a time has one run.
func (t *tasks) counts(s *agent.Scheduler) {
	claim := t.claims[schedule]
	if claim.Machine != s.Machine {
		t.w.violation("machine %s has a run that machine %s claimed", s.Machine, claim.Machine)
	}
	if t.begun[claim.Time]++; t.begun[claim.Time] > 1 && !t.jumped {
		t.w.violation("the run of minute %d began twice", claim.Time/60)
	}
}

// rivalry lets the other machine run the schedule.
func (t *tasks) rivalry() {
	if t.rival == nil {
		return
	}
	// Its clock is right, while this machine's may be set.
	minute := epoch.Add(t.w.elapsed).Unix() / 60
	if minute > t.rivalAt && t.rivalActs == nil && t.w.elapsed > 30*time.Second {
		t.rivalAt = minute
		s := t.scheduler(func(*life) agent.Disk { return t.rival }, "i-2", func() time.Time { return epoch.Add(t.w.elapsed) })
		t.rivalActs = t.w.act(func() {
			if release, err := s.Begin(context.Background()); err == nil && release != "" {
				t.counts(s)
				_ = s.End(0, "success")
			}
		}, s)
	}
	if t.rivalActs.step(t.w.now()) {
		t.rivalActs = nil
	}
}

// isComplete reports whether all processes run a release.
func (t *tasks) isComplete(release service.ReleaseID) bool {
	for _, u := range t.units {
		if u.phase != agent.ProcessUp || u.binary == nil || u.binary.ID != release {
			return false
		}
	}
	return true
}

// removed runs when the agent removes a file or folder.
func (t *tasks) removed(name string) {
	if t.run != nil && name == path.Join("/opt/escala/releases", string(t.run.release)) {
		t.w.violation("release %s is removed while a run uses it", t.run.release.Short())
	}
}

func (t *tasks) scheduler(disk func(*life) agent.Disk, machine string, wall func() time.Time) *agent.Scheduler {
	l := &life{w: t.w}
	return &agent.Scheduler{
		Schedule: t.w.config.Schedules[0], Disk: disk(l), Clock: actorClock{l, wall}, Claims: lifeClaims{l},
		Log: slog.New(slog.DiscardHandler), Machine: machine, Boot: t.w.boot(),
		NewID: func() string { return strconv.FormatUint(t.rng.Uint64(), 16) },
	}
}

func (w *world) boot() string {
	if w.tasks == nil {
		return ""
	}
	return fmt.Sprintf("boot-%d", w.tasks.boot)
}

// actor is a process of its own, which runs beside the agent: each of its calls is a
// step.
type actor struct {
	life *life
	next func() (time.Duration, bool)
	stop func()
	wake time.Duration
}

// act starts an actor. Its life is that of the scheduler's disk.
func (w *world) act(do func(), s *agent.Scheduler) *actor {
	l := s.Clock.(actorClock).life
	a := &actor{life: l, wake: w.now()}
	a.next, a.stop = iter.Pull(func(yield func(time.Duration) bool) {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(stopped); !ok {
					panic(r)
				}
			}
		}()
		l.yield = func(d time.Duration) {
			if !yield(d) || l.dead {
				panic(stopped{})
			}
		}
		do()
	})
	return a
}

// step lets the actor do what is due. It reports whether the actor has ended.
func (a *actor) step(now time.Duration) (ended bool) {
	if a == nil {
		return false
	}
	for a.wake <= now {
		d, more := a.next()
		if !more {
			return true
		}
		a.wake += max(d, time.Millisecond)
	}
	return false
}

func (a *actor) kill() {
	if a != nil {
		a.life.dead = true
		a.stop()
	}
}

// actorClock is an actor's clock.
type actorClock struct {
	*life
	wall func() time.Time
}

func (c actorClock) Now() time.Time         { return c.wall() }
func (c actorClock) Elapsed() time.Duration { return c.w.elapsed }
func (c actorClock) Sleep(_ context.Context, d time.Duration) error {
	c.yield(d)
	return nil
}

type lifeClaims struct{ *life }

func (c lifeClaims) answers() error {
	c.yield(c.w.tasks.between(0, 500*time.Millisecond))
	switch c.w.store.mode {
	case storeAway, storeCorrupt:
		return errAway
	case storeSlow:
		c.yield(20 * time.Second)
		return errAway
	}
	return nil
}

func (c lifeClaims) Read(_ context.Context, name string) (agent.Claim, error) {
	if err := c.answers(); err != nil {
		return agent.Claim{}, err
	}
	return c.w.tasks.claims[name], nil
}

func (c lifeClaims) Write(_ context.Context, name string, claim agent.Claim) error {
	if err := c.answers(); err != nil {
		return err
	}
	c.w.tasks.claims[name] = claim
	// The answer may be lost.
	if c.w.tasks.rng.IntN(10) == 0 {
		return errAway
	}
	return nil
}

type lifeProcesses struct{ *life }

var _ agent.Processes = lifeProcesses{}

func (p lifeProcesses) States(context.Context) (map[agent.Instance]agent.ProcessState, error) {
	p.call()
	out := map[agent.Instance]agent.ProcessState{}
	for i, u := range p.w.tasks.units {
		s := agent.ProcessState{Phase: u.phase, Restarts: u.restarts}
		if u.phase == agent.ProcessUp {
			s.Up = p.w.now() - u.started
			if u.binary != nil {
				s.Release = u.binary.ID
			}
		}
		out[i] = s
	}
	return out, nil
}

func (p lifeProcesses) Start(_ context.Context, i agent.Instance) error {
	p.call()
	defer p.after()
	t := p.w.tasks
	if u := t.units[i]; u.phase == agent.ProcessDown {
		t.units[i] = &unit{phase: agent.ProcessUp, intended: p.w.currentID(), begun: p.w.now(), started: p.w.now(), lives: t.between(0, 500*time.Millisecond), address: p.w.address}
	}
	return nil
}

func (p lifeProcesses) Stop(_ context.Context, i agent.Instance) error {
	p.call()
	defer p.after()
	u := p.w.tasks.units[i]
	if u.phase == agent.ProcessUp && u.binary != nil && u.binary.ID == p.w.currentID() && u.intended == p.w.currentID() &&
		(p.w.replaced == nil || u.begun > p.w.begunAt) {
		p.w.violation("%s runs the current release and was told to end", i)
	}
	if u.phase == agent.ProcessUp || u.phase == agent.ProcessAgain {
		u.phase, u.ends = agent.ProcessStopping, p.w.now()+p.w.tasks.between(0, 3*time.Second)
	}
	return nil
}

func (lifeProcesses) LastLines(context.Context, agent.Instance) string { return "" }

type lifeSchedules struct{ *life }

func (s lifeSchedules) StartTimers(context.Context) error {
	s.call()
	t := s.w.tasks
	if !t.timers {
		t.timers = true
		if t.fired == 0 {
			t.fired = s.w.wall().Unix() / 60 // systemd's stamp of a timer that is new
		}
	}
	return nil
}

// rivalDisk is the disk of the other machine, with a release that serves.
type rivalDisk struct {
	agent.Disk
	files map[string][]byte
}

const rivalRelease = "releases/" + "abababababababababababababababababababababababababababababababab"

func newRivalDisk() *rivalDisk { return &rivalDisk{files: map[string][]byte{}} }

type rivalFile struct {
	bytes.Buffer
	close func(content []byte)
}

func (f *rivalFile) Close() error {
	f.close(f.Bytes())
	return nil
}

func (d *rivalDisk) Create(name string, _ fs.FileMode) (io.WriteCloser, error) {
	return &rivalFile{close: func(content []byte) { d.files[name] = bytes.Clone(content) }}, nil
}

func (d *rivalDisk) Open(name string) (io.ReadCloser, error) {
	content, ok := d.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (d *rivalDisk) Rename(from, to string) error {
	d.files[to] = d.files[from]
	delete(d.files, from)
	return nil
}

func (*rivalDisk) Sync(string) error       { return nil }
func (*rivalDisk) MakeFolder(string) error { return nil }

func (*rivalDisk) Readlink(string) (string, error) { return rivalRelease, nil }

func (*rivalDisk) List(name string) ([]agent.Entry, error) {
	if strings.HasSuffix(name, rivalRelease) {
		return []agent.Entry{{Name: "api"}}, nil
	}
	return nil, nil
}
