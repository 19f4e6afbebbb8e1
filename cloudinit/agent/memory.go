package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"escala/service"
)

// What the agent remembers from one round to the next, on the disk. All else it
// sees by looking.
const (
	rollFile    = stateFolder + "/roll.json"
	refusalFile = stateFolder + "/refusal.json"
	// endedFolder has a file for each process that was told to end. A second
	// SIGTERM would cut its requests.
	endedFolder = runFolder + "/ended"

	memoryLimit = 64 << 10 // bytes
)

// roll is a change of release that has not come to its end.
type roll struct {
	To   service.ReleaseID `json:"to"`
	From service.ReleaseID `json:"from"`
	// Failed: the release was refused, and the machine goes back.
	Failed bool `json:"failed,omitempty"`
}

// refusal is a release that does not serve.
type refusal struct {
	Release service.ReleaseID `json:"release"`
	Reason  string            `json:"reason"`
	// Output is the end of what the release printed.
	Output string `json:"output"`
	// At is when the release was tried last, in seconds since 1970.
	At int64 `json:"at"`
	// AsWorker: it passed its preflight and did not serve as a worker.
	AsWorker bool `json:"asWorker"`
}

// Pauses before a refused release is tried again. A preflight costs a process
// for a moment. A trial as a worker with a port of its own costs the machine a
// worker meanwhile.
const (
	RetryAfter       = 30 * time.Second
	RetryWorkerAfter = 5 * time.Minute
)

// retryAt is when the release is tried again.
func (r refusal) retryAt(c Config) time.Time {
	pause := RetryAfter
	if r.AsWorker && c.Mode == service.WorkersPorts {
		pause = RetryWorkerAfter
	}
	return time.Unix(r.At, 0).Add(pause)
}

// due reports whether the release is to be tried again. A clock that was set
// back does not put it off.
func (r refusal) due(c Config, now time.Time) bool {
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

// recall reads what remember wrote. What is not there, or was torn by a crash,
// is the zero value: the agent finds out again.
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
		return none, nil //nolint:nilerr // a torn note is none
	}
	return v, nil
}

func (a *Agent) forget(name string) error {
	if err := a.Disk.Remove(name); err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	return nil
}
