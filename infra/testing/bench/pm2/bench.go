package pm2

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"escala/infra/testing/bench/proctree"
	"escala/service"
)

// Options are what a run does. Make them with NewOptions.
type Options struct {
	// Root is the clone's top folder; Folder is where the tutorial's system is
	// installed, State where builds and machine images are kept.
	Root, Folder, State string
	// Workers of each stack. Default 4.
	Workers int
	// Starts is how often a worker of each kind is started. Default 10.
	Starts int
	// Rounds for each way to the workers, of Round each, over Connections kept
	// connections. Defaults 7, 2 s, 32.
	Rounds      int
	Round       time.Duration
	Connections int
	// Rate is requests per second while workers are replaced or killed.
	// Default 80.
	Rate float64
	// Rest is for how long nobody asks a stack for anything, after some load, until
	// its memory is looked at once more. Default 20 s.
	Rest time.Duration
	// Times is how often they are, Calm the pause between. Defaults 10, 2 s.
	Times int
	Calm  time.Duration
	// Machines is how many machines of each kind are set up; 0 sets up none.
	// Default 2.
	Machines int
	// OnlyMachines leaves out everything but the machines. Default false.
	OnlyMachines bool
	// Progress is told what is being measured.
	Progress func(string)
}

// NewOptions returns the defaults.
func NewOptions() Options {
	return Options{
		Workers: 4, Starts: 10, Rounds: 7, Round: 2 * time.Second, Connections: 32,
		Rate: 80, Rest: 20 * time.Second, Times: 10, Calm: 2 * time.Second, Machines: 2, Progress: func(string) {},
	}
}

// Validate reports everything that is wrong at once.
func (o Options) Validate() error {
	var v service.Violations
	atLeast := func(path string, value, least int) {
		if value < least {
			v.Add(path, "%d, want at least %d", value, least)
		}
	}
	atLeast("workers", o.Workers, service.MinWorkers)
	atLeast("starts", o.Starts, 1)
	atLeast("rounds", o.Rounds, 1)
	atLeast("connections", o.Connections, 1)
	atLeast("times", o.Times, 1)
	if atLeast("machines", o.Machines, 0); o.OnlyMachines {
		atLeast("machines", o.Machines, 1)
	}
	if o.Round < 100*time.Millisecond {
		v.Add("round", "%s, want at least 100ms: processor time is counted in steps of 10 ms", o.Round)
	}
	if o.Rate <= 0 || math.IsInf(o.Rate, 0) || math.IsNaN(o.Rate) {
		v.Add("rate", "%v, want more than 0", o.Rate)
	}
	if o.Rest < 0 {
		v.Add("rest", "%s, want 0 or more", o.Rest)
	}
	if o.Calm < 0 {
		v.Add("calm", "%s, want 0 or more", o.Calm)
	}
	return v.Err()
}

// Result is everything that a run has measured.
type Result struct {
	Workers int    `json:"workers"`
	Node    string `json:"node"`
	Go      string `json:"go"`
	// Start is from the start of one worker to its first answer, in ms.
	Start Pair `json:"start_ms"`
	// Stacks in the order in which they are shown.
	Stacks []StackResult `json:"stacks"`
	// Install is what a machine needs before it serves; nil if that was not
	// measured.
	Install *Install `json:"install,omitempty"`
	Goals   []Goal   `json:"goals"`
}

// StackResult is one stack's figures.
type StackResult struct {
	Name   string `json:"name"`
	Theirs bool   `json:"theirs"`
	// Up is how long the whole stack took until all workers answered, in ms.
	Up float64 `json:"up_ms"`
	// MemoryIdle, MemoryLoaded and MemoryRested are the whole tree's PSS in bytes:
	// before the first load, right after some, and when there was none for Rest.
	MemoryIdle   int64 `json:"memory_idle"`
	MemoryLoaded int64 `json:"memory_loaded"`
	MemoryRested int64 `json:"memory_rested"`
	// Memory is MemoryLoaded by what has it.
	Memory  Memory `json:"memory"`
	Direct  *Speed `json:"direct,omitempty"`
	Proxied *Speed `json:"proxied,omitempty"`
	Reloads *Fault `json:"reloads,omitempty"`
	Kills   *Fault `json:"kills,omitempty"`
}

// Run measures everything. Stacks that are measured alone, for memory and
// faults, come first; those that are measured in alternating rounds run at the
// same time. If machines cannot be set up, the rest of the result is returned
// beside the error.
func Run(ctx context.Context, o Options) (Result, error) {
	if err := errors.Join(o.Validate(), Missing()); err != nil {
		return Result{}, err
	}
	o.Progress("installing the tutorial's application")
	app, err := BuildApp(ctx, o.Folder)
	if err != nil {
		return Result{}, err
	}
	o.Progress("building the service")
	releases, err := BuildReleases(ctx, o.Root, o.State)
	if err != nil {
		return Result{}, err
	}
	r := Result{Workers: o.Workers, Node: nodeVersion(ctx), Go: runtime.Version()}
	if !o.OnlyMachines {
		if err := r.measureStacks(ctx, o, app, releases); err != nil {
			return r, err
		}
	}
	if o.Machines > 0 {
		r.Install, err = measureInstall(ctx, o, app, releases)
	}
	r.Goals = r.goals()
	return r, err
}

// measureStacks measures everything that runs on this computer itself.
func (r *Result) measureStacks(ctx context.Context, o Options, app App, releases Releases) (err error) {
	o.Progress(fmt.Sprintf("starting one worker, %d times each", o.Starts))
	if r.Start, err = measureStarts(ctx, o, app, releases); err != nil {
		return err
	}
	stacks := []stack{
		newTheirs(patternA, app, o.Folder, o.Workers),
		newTheirs(patternB, app, o.Folder, o.Workers),
		newOurs(service.WorkersShared, releases, o.Workers),
		newOurs(service.WorkersPorts, releases, o.Workers),
		newClustered(releases, o.Workers),
	}
	for _, s := range stacks {
		one, err := measureAlone(ctx, o, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name(), err)
		}
		_, one.Theirs = s.(*theirs)
		r.Stacks = append(r.Stacks, one)
	}
	return measureSpeeds(ctx, o, stacks, r.Stacks)
}

// measureAlone measures what another stack beside it would disturb: memory,
// since two stacks share pages of one program, and failures.
func measureAlone(ctx context.Context, o Options, s stack) (r StackResult, err error) {
	r.Name = s.name()
	o.Progress("starting " + r.Name)
	began := time.Now()
	if err := s.start(ctx); err != nil {
		return r, fmt.Errorf("starting: %w", err)
	}
	defer s.stop()
	r.Up = milliseconds(time.Since(began))
	addresses := s.proxied()
	if addresses == nil {
		addresses = s.direct()
	}
	if err := pause(ctx, time.Second); err != nil {
		return r, err
	}
	if r.MemoryIdle, err = proctree.PSS(s.roots()...); err != nil {
		return r, err
	}
	if _, err = press(ctx, addresses, o.Connections, 2*o.Round, s.roots()); err != nil {
		return r, err
	}
	if r.Memory, err = memoryOf(s); err != nil {
		return r, err
	}
	r.MemoryLoaded = r.Memory.Manager + r.Memory.Workers + r.Memory.Nginx
	if err := pause(ctx, o.Rest); err != nil {
		return r, err
	}
	if r.MemoryRested, err = proctree.PSS(s.roots()...); err != nil {
		return r, err
	}
	o.Progress(fmt.Sprintf("reloading %s, %d times under load", r.Name, o.Times))
	reloads, err := underLoad(ctx, addresses[0], o.Rate, o.Times, o.Calm, s.reload)
	if err != nil {
		return r, fmt.Errorf("reloading: %w", err)
	}
	o.Progress(fmt.Sprintf("killing a worker of %s, %d times under load", r.Name, o.Times))
	kills, err := underLoad(ctx, addresses[0], o.Rate, o.Times, o.Calm, func(ctx context.Context) error { return killWorker(ctx, s) })
	if err != nil {
		return r, fmt.Errorf("killing workers: %w", err)
	}
	r.Reloads, r.Kills = &reloads, &kills
	return r, nil
}
