package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"escala/service"
)

// State that the agent stores on the disk between rounds. It detects everything
// else.
const (
	rollFile    = stateFolder + "/roll.json"
	refusalFile = stateFolder + "/refusal.json"
	// endedFolder has a file for each process that was told to end. A second
	// SIGTERM would cut the requests of such a process.
	endedFolder = runFolder + "/ended"

	memoryLimit = 64 << 10 // bytes
)

// roll is an unfinished change of release.
type roll struct {
	To   service.ReleaseID `json:"to"`
	From service.ReleaseID `json:"from"`
	// Failed means that the release was refused, and that the machine is
	// switching back.
	Failed bool `json:"failed,omitempty"`
	// RequestedAt is service.Wanted.RequestedAt of To.
	RequestedAt int64 `json:"asked,omitempty"`
	// Bake is the bake that begins once To serves. It has the tally of the release
	// before.
	Bake *bake `json:"bake,omitempty"`
}

// refusal is a release that does not serve.
type refusal struct {
	Release service.ReleaseID `json:"release"`
	Reason  string            `json:"reason"`
	// Output is the last output of the release.
	Output string `json:"output"`
	// At is the time of the last try, in seconds since 1970.
	At int64 `json:"at"`
	// AsWorker means that the release passed its preflight but did not serve as
	// a worker.
	AsWorker bool `json:"asWorker"`
	// AsProcess means that a process beside the workers did not stay up.
	AsProcess bool `json:"asProcess,omitempty"`
	// RequestedAt is service.Wanted.RequestedAt of the release that was tried.
	RequestedAt int64 `json:"asked,omitempty"`
	// ByCommand means that its release command failed. Only another update tries the
	// release again.
	ByCommand bool `json:"byCommand,omitempty"`
	// ByBake means that it served, and failed its bake. Only another update tries
	// the release again, because each try makes clients' requests fail.
	ByBake bool `json:"byBake,omitempty"`
}

// final reports whether the machine does not try the release again by itself.
func (r refusal) final() bool { return r.ByCommand || r.ByBake }

// refuses reports whether this refuses what is wanted now, and not what an earlier update
// asked for.
func (r refusal) refuses(w service.Wanted) bool {
	return r.Release == w.ID && r.RequestedAt == w.RequestedAt
}

// Pauses before a refused release is tried again. A preflight costs a short-lived
// process. A try as a worker with its own port costs the machine one worker during
// the try. A try of a process beside the workers costs the process that runs.
const (
	RetryAfter       = 30 * time.Second
	RetryWorkerAfter = 5 * time.Minute
)

// retryAt returns the time of the next try.
func (r refusal) retryAt(c Config) time.Time {
	pause := RetryAfter
	if r.AsProcess || r.AsWorker && c.Slots() == c.Workers {
		pause = RetryWorkerAfter
	}
	return time.Unix(r.At, 0).Add(pause)
}

// due reports whether it is time to try the release again. A clock that was set
// back does not delay the try.
func (r refusal) due(c Config, now time.Time) bool {
	if r.final() {
		return false
	}
	return !now.Before(r.retryAt(c)) || now.Unix() < r.At
}

// remember writes v as JSON to name.
func (a *Agent) remember(name string, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := writeFile(a.Disk, name, content); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// recall reads what remember wrote. A missing or torn file yields the zero
// value, because the agent can detect the state again.
func recall[T any](d Disk, name string) (T, error) {
	var v, none T
	content, err := readFile(d, name, memoryLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("reading %s: %w", name, err)
	}
	if err := json.Unmarshal(content, &v); err != nil {
		return none, nil //nolint:nilerr // a torn file counts as missing
	}
	return v, nil
}

func (a *Agent) forget(name string) error {
	if err := a.Disk.Remove(name); err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	return nil
}
