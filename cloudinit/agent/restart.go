package agent

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"escala/cloudinit/agent/request"
	"escala/service/machine"
)

// A restart replaces all workers by new processes of the same release, one after
// the other, as a roll does. Each request for one is carried out once: the record
// of the last one is on the disk, and an earlier or equal request is ignored.
const (
	// restartFile has the last restart. It survives a reboot.
	restartFile = stateFolder + "/restart.json"
	// replacedFile has the processes that the restart replaces. It does not survive
	// a reboot, after which none of them exists.
	replacedFile = runFolder + "/restart.json"
)

// restart is the content of restartFile.
type restart struct {
	request.Restarting
	Done bool `json:"done,omitempty"`
	// Failure is why the restart ended early; "" if it did not.
	Failure string `json:"failure,omitempty"`
}

// replaced is the content of replacedFile.
type replaced struct {
	// Restart is the ID of the restart.
	Restart   string   `json:"restart"`
	Processes []string `json:"processes"`
}

// restarts is shared by the rounds and the listener for requests.
type restarts struct {
	mu      sync.Mutex
	request request.Restarting
	last    restart
	loaded  bool
}

// Restart asks for a restart. The next round begins it.
func (a *Agent) Restart(r request.Restarting) {
	a.restarts.mu.Lock()
	defer a.restarts.mu.Unlock()
	if r.At > a.restarts.request.At {
		a.restarts.request = r
	}
}

// Restarted returns the last restart that has ended, with its failure.
func (a *Agent) Restarted() (r request.Restarting, failure string) {
	a.restarts.mu.Lock()
	defer a.restarts.mu.Unlock()
	if last := a.restarts.last; last.Done {
		return last.Restarting, last.Failure
	}
	return request.Restarting{}, ""
}

// restarting reports whether a restart is not done.
func (a *Agent) restarting() bool {
	a.restarts.mu.Lock()
	defer a.restarts.mu.Unlock()
	return a.restarts.last.ID != "" && !a.restarts.last.Done
}

// beginRestart reads the last restart after the agent's start, and begins the one
// that was asked for.
func (a *Agent) beginRestart(ctx context.Context) {
	if err := a.recallRestart(); err != nil {
		a.failing(stateFolder, err)
		return
	}
	a.restarts.mu.Lock()
	request, last := a.restarts.request, a.restarts.last
	a.restarts.mu.Unlock()
	if request.At <= last.At || last.ID != "" && !last.Done {
		return
	}
	// A roll starts every worker already, so it ends first.
	rolling, err := recall[roll](a.Disk, rollFile)
	if err != nil {
		a.failing(stateFolder, err)
		return
	}
	if rolling.To != "" {
		return
	}
	// A secret may have a new value by now.
	if a.Secrets != nil {
		if err := a.Secrets.Read(ctx); err != nil {
			a.failing(stateFolder, err)
			return
		}
	}
	processes, err := a.processes(ctx)
	if err != nil {
		return // the round says why no worker can be started, and the next one tries again
	}
	// The list is written first: with the record alone, a restart would seem to be
	// done.
	if err := a.remember(replacedFile, replaced{request.ID, processes}); err != nil {
		a.failing(runFolder, err)
		return
	}
	if err := a.recordRestart(restart{Restarting: request}); err != nil {
		a.failing(stateFolder, err)
		return
	}
	a.replaced = processes
	a.Log.Info("restarting all workers", "request", request.ID)
}

// recallRestart reads what beginRestart recorded, once in a run of the agent.
func (a *Agent) recallRestart() error {
	if a.restarts.loaded {
		return nil
	}
	last, err := recall[restart](a.Disk, restartFile)
	if err != nil {
		return err
	}
	old, err := recall[replaced](a.Disk, replacedFile)
	if err != nil {
		return err
	}
	if old.Restart == last.ID && !last.Done {
		a.replaced = old.Processes
	}
	a.restarts.mu.Lock()
	defer a.restarts.mu.Unlock()
	a.restarts.last, a.restarts.loaded = last, true
	return nil
}

// processes returns the processes of all workers.
func (a *Agent) processes(ctx context.Context) ([]string, error) {
	v, err := a.view(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, o := range v.slots {
		if name := o.process(); name != "" && o.alive() {
			names = append(names, name)
		}
	}
	return names, nil
}

// endRestart records that the restart is done, or why it ended early. The
// processes that it did not replace stay.
func (a *Agent) endRestart(failure string) error {
	a.restarts.mu.Lock()
	last := a.restarts.last
	a.restarts.mu.Unlock()
	last.Done, last.Failure = true, plain(failure, reasonLimit)
	if err := a.recordRestart(last); err != nil {
		return fmt.Errorf("ending the restart: %w", err)
	}
	a.replaced = nil
	if failure == "" {
		a.Log.Info("all workers are restarted", "request", last.ID)
	} else {
		a.Log.Warn("the restart ended early", "request", last.ID, "reason", failure)
	}
	if a.phase == machine.Rolling {
		a.phase, a.reason = machine.Serving, ""
	}
	return nil
}

func (a *Agent) recordRestart(r restart) error {
	if err := a.remember(restartFile, r); err != nil {
		return err
	}
	a.restarts.mu.Lock()
	defer a.restarts.mu.Unlock()
	a.restarts.last = r
	return nil
}

// replaces reports whether the restart replaces an occupant.
func (v view) replaces(o occupant) bool {
	return len(v.replaced) > 0 && slices.Contains(v.replaced, o.process())
}
