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

// Options configures a run. Make them with NewOptions.
type Options struct {
	// Root is the clone's top folder. Folder holds the installed tutorial
	// system, State the builds and machine images.
	Root, Folder, State string
	// Workers is the number of workers in each stack. Default 4.
	Workers int
	// Starts is the number of times that a worker of each kind is started.
	// Default 10.
	Starts int
	// Rounds is the number of rounds for each way to the workers. Each takes
	// Round and uses Connections kept connections. Defaults 7, 2 s, 32.
	Rounds      int
	Round       time.Duration
	Connections int
	// Rate is the number of requests per second during replacements and kills
	// of workers. Default 80.
	Rate float64
	// Rest is the idle time after some load before a stack's memory is read
	// again. Default 20 s.
	Rest time.Duration
	// Times is the number of replacements and kills, Pause the pause between
	// them. Defaults 10, 2 s.
	Times int
	Pause time.Duration
	// Machines is the number of machines of each kind that are set up. 0 sets
	// up none. Default 2.
	Machines int
	// OnlyMachines skips everything except the machines. Default false.
	OnlyMachines bool
	// Progress receives a line for each measurement that begins.
	Progress func(string)
}

// NewOptions returns the defaults.
func NewOptions() Options {
	return Options{
		Workers: 4, Starts: 10, Rounds: 7, Round: 2 * time.Second, Connections: 32,
		Rate: 80, Rest: 20 * time.Second, Times: 10, Pause: 2 * time.Second, Machines: 2, Progress: func(string) {},
	}
}

// Validate reports all invalid options at once.
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
	if o.Pause < 0 {
		v.Add("calm", "%s, want 0 or more", o.Pause)
	}
	return v.Err()
}

// Result holds all measured figures of a run.
type Result struct {
	Workers int    `json:"workers"`
	Node    string `json:"node"`
	Go      string `json:"go"`
	// Start is the time from the start of one worker to its first answer, in
	// ms.
	Start Pair `json:"start_ms"`
	// Stacks are in display order.
	Stacks []StackResult `json:"stacks"`
	// Install is the effort to set up a machine until it serves. It is nil if
	// it was not measured.
	Install *Install `json:"install,omitempty"`
	Goals   []Goal   `json:"goals"`
}

// StackResult holds the figures of one stack.
type StackResult struct {
	Name string `json:"name"`
	PM2  bool   `json:"pm2"`
	// Up is the time that the whole stack took until all workers answered, in
	// ms.
	Up float64 `json:"up_ms"`
	// MemoryIdle, MemoryLoaded and MemoryRested are the PSS of the whole
	// process tree in bytes: before the first load, right after some load, and
	// after an idle time of Rest.
	MemoryIdle   int64 `json:"memory_idle"`
	MemoryLoaded int64 `json:"memory_loaded"`
	MemoryRested int64 `json:"memory_rested"`
	// Memory splits MemoryLoaded by component.
	Memory  Memory `json:"memory"`
	Direct  *Speed `json:"direct,omitempty"`
	Proxied *Speed `json:"proxied,omitempty"`
	Reloads *Fault `json:"reloads,omitempty"`
	Kills   *Fault `json:"kills,omitempty"`
}

// Run measures everything. It first measures the stacks alone, for memory and
// faults. Then it runs the stacks at the same time and measures them in
// alternating rounds. If machines cannot be set up, Run returns the rest of the
// result beside the error.
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

// measureStacks measures everything that runs directly on this computer.
func (r *Result) measureStacks(ctx context.Context, o Options, app App, releases Releases) (err error) {
	o.Progress(fmt.Sprintf("starting one worker, %d times each", o.Starts))
	if r.Start, err = measureStarts(ctx, o, app, releases); err != nil {
		return err
	}
	stacks := []stack{
		newPM2Stack(patternA, app, o.Folder, o.Workers),
		newPM2Stack(patternB, app, o.Folder, o.Workers),
		newEscalaStack(service.WorkersShared, releases, o.Workers),
		newEscalaStack(service.WorkersPorts, releases, o.Workers),
		newClustered(releases, o.Workers),
	}
	for _, s := range stacks {
		one, err := measureAlone(ctx, o, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name(), err)
		}
		_, one.PM2 = s.(*pm2Stack)
		r.Stacks = append(r.Stacks, one)
	}
	return measureSpeeds(ctx, o, stacks, r.Stacks)
}

// measureAlone takes the measurements that a second running stack would
// disturb: memory, since two stacks share the pages of one program, and
// failures.
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
	if _, err = saturate(ctx, addresses, o.Connections, 2*o.Round, s.roots()); err != nil {
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
	reloads, err := underLoad(ctx, addresses[0], o.Rate, o.Times, o.Pause, s.reload)
	if err != nil {
		return r, fmt.Errorf("reloading: %w", err)
	}
	o.Progress(fmt.Sprintf("killing a worker of %s, %d times under load", r.Name, o.Times))
	kills, err := underLoad(ctx, addresses[0], o.Rate, o.Times, o.Pause, func(ctx context.Context) error { return killWorker(ctx, s) })
	if err != nil {
		return r, fmt.Errorf("killing workers: %w", err)
	}
	r.Reloads, r.Kills = &reloads, &kills
	return r, nil
}
