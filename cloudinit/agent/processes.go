package agent

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"escala/service"
)

// Process describes the processes of one name that run beside the workers.
type Process struct {
	Name    string   `json:"name"`
	Command []string `json:"command"`
	Count   int      `json:"count"`
	// Stop and MemoryMiB are as in service.Process.
	Stop      Duration `json:"stop"`
	MemoryMiB int      `json:"memoryMiB"`
}

// Instance is one of the processes of a name.
type Instance struct {
	Name   string
	Number int
}

// String returns the instance's name, for people.
func (i Instance) String() string { return fmt.Sprintf("process %s %d", i.Name, i.Number) }

// ProcessPhase is the state of an instance.
type ProcessPhase string

// The states of an instance.
const (
	// ProcessDown means that nothing runs, and that nothing starts by itself.
	ProcessDown ProcessPhase = "down"
	// ProcessUp means that it runs.
	ProcessUp ProcessPhase = "up"
	// ProcessAgain means that it ended by itself, and is about to be started again.
	ProcessAgain ProcessPhase = "again"
	// ProcessStopping means that it was told to end.
	ProcessStopping ProcessPhase = "stopping"
)

// ProcessState is the state of an instance with its details.
type ProcessState struct {
	Phase ProcessPhase
	// Release is the release that it runs, or "" while it is not known yet.
	Release service.ReleaseID
	// Up is the time since it started. Restarts counts how often it was started
	// again since Processes.Start.
	Up       time.Duration
	Restarts int
}

// Processes starts the instances. It restarts one that ends by itself, and kills one
// that has not ended in time. None of its methods waits.
type Processes interface {
	States(ctx context.Context) (map[Instance]ProcessState, error)
	Start(ctx context.Context, i Instance) error
	Stop(ctx context.Context, i Instance) error
	// LastLines returns the last output of an instance.
	LastLines(ctx context.Context, i Instance) string
}

// startedFolder has a file for each instance, with the release and the restart that
// it was started for. If an instance ended by itself before a change of release, it
// is started again with the new one, which is not blamed for the end.
const startedFolder = runFolder + "/processes"

func startedFile(i Instance) string {
	return path.Join(startedFolder, fmt.Sprintf("%s-%d", i.Name, i.Number))
}

// startedFor returns what an instance is started for now: the current release, and
// the last restart.
func (a *Agent) startedFor() string {
	a.restarts.mu.Lock()
	defer a.restarts.mu.Unlock()
	return strings.TrimSpace(string(a.current()) + " " + a.restarts.last.ID)
}

// outdated reports whether an instance must be replaced, because it was started for
// another release, or because a restart is in progress.
func (a *Agent) outdated(started string) bool {
	if a.restarting() {
		return started != a.startedFor()
	}
	release, _, _ := strings.Cut(started, " ")
	return release != string(a.current())
}

// instances returns all instances in their order.
func (c Config) instances() []Instance {
	var all []Instance
	for _, p := range c.Processes {
		for n := range p.Count {
			all = append(all, Instance{p.Name, n})
		}
	}
	return all
}

// process returns the description of an instance.
func (c Config) process(i Instance) Process {
	for _, p := range c.Processes {
		if p.Name == i.Name {
			return p
		}
	}
	return Process{}
}

// update brings workers and processes to the current release.
//
// A roll begins with the processes, for two reasons. If one of them dies, the
// release is refused before a worker of it has had a request. And a process that
// reads a queue knows what the new workers write into it. The way back has the
// reverse order. A machine's first release begins with the workers, because nothing
// else serves.
func (a *Agent) update(ctx context.Context, rolling roll) error {
	if rolling.To != "" && rolling.From != "" && !rolling.Failed {
		if err := a.updateProcesses(ctx, true); err != nil {
			return err
		}
		return a.converge(ctx)
	}
	if err := a.converge(ctx); err != nil {
		return err
	}
	return a.updateProcesses(ctx, rolling.To != "" && !rolling.Failed)
}

// updateProcesses replaces the instances that do not run the current release, one
// after the other. rolling means that an instance that ends is the release's fault.
// Otherwise all other instances are brought first.
func (a *Agent) updateProcesses(ctx context.Context, rolling bool) error {
	var first error
	for _, i := range a.Config.instances() {
		err := a.updateProcess(ctx, i, rolling)
		if err != nil && rolling {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func (a *Agent) updateProcess(ctx context.Context, i Instance, rolling bool) error {
	s, err := a.processState(ctx, i)
	if err != nil {
		return err
	}
	started, err := recall[string](a.Disk, startedFile(i))
	if err != nil {
		return err
	}
	current := a.current()
	other := s.Phase == ProcessUp && s.Release != "" && s.Release != current
	if s.Phase == ProcessDown || s.Phase == ProcessStopping || a.outdated(started) || other {
		if s, err = a.replaceProcess(ctx, i); err != nil {
			return err
		}
		rolling = true // it has its whole time to stay up, and is not looked at twice
	}
	for began := a.Clock.Elapsed(); ; {
		steady := time.Duration(a.Config.Steady)
		switch {
		case s.Phase == ProcessUp && s.Release != "" && s.Release != current:
			// The next round replaces it.
			return workerError{slot: -1, instance: i, reason: fmt.Sprintf("%s runs %s", i, s.Release.Describe())}
		case s.Phase == ProcessUp && s.Up >= steady && (s.Restarts == 0 || !rolling):
			return nil
		case s.Restarts > 0 || s.Phase != ProcessUp:
			return workerError{slot: -1, instance: i, final: true, reason: fmt.Sprintf("%s does not stay up for %s with %s", i, steady, current.Describe())}
		case a.Clock.Elapsed()-began > steady+stopMargin:
			return workerError{slot: -1, instance: i, reason: fmt.Sprintf("%s has not been up for %s", i, steady)}
		}
		if err := a.Clock.Sleep(ctx, min(pollInterval, max(newPollInterval, steady-s.Up))); err != nil {
			return fmt.Errorf("waiting for %s: %w", i, err)
		}
		if s, err = a.processState(ctx, i); err != nil {
			return err
		}
	}
}

// replaceProcess ends an instance and starts it again with the current release.
func (a *Agent) replaceProcess(ctx context.Context, i Instance) (ProcessState, error) {
	a.publish(ctx)
	s, err := a.processState(ctx, i)
	if err != nil {
		return s, err
	}
	if s.Phase != ProcessDown {
		if s.Phase != ProcessStopping {
			if err := a.Processes.Stop(ctx, i); err != nil {
				return s, fmt.Errorf("ending %s: %w", i, err)
			}
		}
		limit := time.Duration(a.Config.process(i).Stop) + stopMargin
		isDown := until(ctx, a.Clock, limit, pollInterval, func() bool {
			s, err = a.processState(ctx, i)
			return err != nil || s.Phase == ProcessDown
		})
		switch {
		case err != nil:
			return s, err
		case ctx.Err() != nil:
			return s, fmt.Errorf("waiting for the end of %s: %w", i, ctx.Err())
		case !isDown:
			return s, workerError{slot: -1, instance: i, reason: fmt.Sprintf("%s has not ended within %s", i, limit)}
		}
	}
	if err := a.Disk.MakeFolder(startedFolder); err != nil {
		return s, fmt.Errorf("making %s: %w", startedFolder, err)
	}
	if err := a.remember(startedFile(i), a.startedFor()); err != nil {
		return s, err
	}
	if err := a.Processes.Start(ctx, i); err != nil {
		return s, fmt.Errorf("starting %s: %w", i, err)
	}
	// Start does not wait, so the process appears a moment later.
	isThere := until(ctx, a.Clock, time.Duration(a.Config.Start), newPollInterval, func() bool {
		s, err = a.processState(ctx, i)
		return err != nil || s.Phase != ProcessDown
	})
	if err == nil && ctx.Err() == nil && !isThere {
		err = workerError{slot: -1, instance: i, final: true, reason: fmt.Sprintf("%s does not start with %s", i, a.current().Describe())}
	}
	return s, err
}

func (a *Agent) processState(ctx context.Context, i Instance) (ProcessState, error) {
	all, err := a.Processes.States(ctx)
	if err != nil {
		return ProcessState{}, fmt.Errorf("looking at the processes: %w", err)
	}
	if s, ok := all[i]; ok {
		return s, nil
	}
	return ProcessState{Phase: ProcessDown}, nil
}
