package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"escala/cloudinit/agent/store"
)

// Shared is the part of the release store that the machines of a stack share.
type Shared interface {
	// Read returns an object of at most limit bytes.
	Read(ctx context.Context, key string, limit int64) ([]byte, error)
	// Write replaces an object, atomically.
	Write(ctx context.Context, key string, content []byte) error
	// Create makes an object. The error wraps store.ErrExists if there is one.
	Create(ctx context.Context, key string, content []byte) error
}

// runPhase is the phase of a run that the release store records.
type runPhase string

const (
	runBegun     runPhase = "begun"
	runSucceeded runPhase = "succeeded"
	runFailed    runPhase = "failed"
	// runInterrupted means that it is unknown whether the command did its work.
	runInterrupted runPhase = "interrupted"
)

// runRecord is the record of a run in the release store. Only the machine that
// creates it runs the command.
type runRecord struct {
	Machine string   `json:"machine"`
	Boot    string   `json:"boot"`
	Phase   runPhase `json:"phase"`
	// Began is in seconds since 1970, by the machine's clock.
	Began int64 `json:"began"`
	// End is the end of the command, if it is known.
	End *CommandEnd `json:"end,omitempty"`
}

// recordLimit is more than the size of any record, in bytes.
const recordLimit = memoryLimit

// folder returns the beginning of the keys of a command's records.
func (r CommandRun) folder() string {
	return store.CommandsPrefix + string(r.Release) + "-" + r.Command
}

func (r CommandRun) key() string { return r.folder() + "/" + strconv.FormatInt(r.RequestedAt, 10) }

// succeededKey returns the key of an object that exists once the command of a
// release has succeeded.
func (r CommandRun) succeededKey() string { return r.folder() + "/succeeded" }

// latestKey is the key of the object that names the stack's latest run.
const latestKey = store.CommandsPrefix + "latest"

// latestRun is the content of latestKey.
type latestRun struct {
	CommandRun
	Machine string `json:"machine"`
}

// readShared reads an object as JSON. there is false if it does not exist. S3
// answers "access denied" for such an object to a role that may not list the
// bucket.
func readShared[T any](ctx context.Context, s Shared, key string) (v T, exists bool, err error) {
	content, err := s.Read(ctx, key, recordLimit)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	if err := json.Unmarshal(content, &v); err != nil {
		return v, false, fmt.Errorf("reading %s of the release store: %w", key, err)
	}
	return v, true, nil
}

// encode returns v as JSON. Records consist of texts and numbers, which are always
// valid.
func encode(v any) []byte {
	content, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return content
}
