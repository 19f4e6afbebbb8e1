package engine

import (
	"context"
	"errors"
	"io"
	"time"

	pkgresource "github.com/pulumi/pulumi/pkg/v3/resource"
	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// Run has the parameters of one operation.
type Run struct {
	// Out receives the engine's display, one line for each event. Nil shows
	// nothing.
	Out io.Writer
	// Color enables colors in the display.
	Color bool
	// SuppressOutputs leaves the stack's outputs out of the display.
	SuppressOutputs bool
	// Refresh first compares the state with the real resources. Only for Up and
	// Destroy.
	Refresh bool
	// Event is called with each of the engine's events, one at a time. Secrets
	// are masked. Optional.
	Event func(apitype.EngineEvent)
	// Kill ends the operation at once when it is closed. Unfinished steps stay
	// in the state as pending. A cancelled context ends an operation gently:
	// the providers' Cancel ends what has begun. Optional.
	Kill <-chan struct{}
	// Wait is the time to wait for another process that works on the stack; 0
	// does not wait.
	Wait time.Duration
	// Waiting is called once when a wait begins. Optional.
	Waiting func(*LockedError)
	// Message and Environment are recorded in the stack's history. The keys are
	// those of Pulumi's command line ("git.head"). Optional.
	Message     string
	Environment map[string]string
	// Annotate returns more of Environment, from the outputs after the operation.
	// Optional.
	Annotate func(outputs map[string]Output, failed error) map[string]string
}

// Result is the result of an operation.
type Result struct {
	// Changes counts the resources by operation: "create", "same", ….
	Changes map[string]int
	// Outputs are the stack's outputs after the operation. A preview has none.
	Outputs map[string]Output
}

// Preview shows what Up would do. It takes no lock and writes nothing.
func (s *Stack) Preview(ctx context.Context, r Run) (Result, error) {
	return s.operate(ctx, apitype.PreviewUpdate, r)
}

// Up creates and updates the stack's resources.
func (s *Stack) Up(ctx context.Context, r Run) (Result, error) {
	return s.operate(ctx, apitype.UpdateUpdate, r)
}

// Refresh updates the state from the real resources.
func (s *Stack) Refresh(ctx context.Context, r Run) (Result, error) {
	return s.operate(ctx, apitype.RefreshUpdate, r)
}

// Destroy deletes the stack's resources. The stack itself stays until Remove.
func (s *Stack) Destroy(ctx context.Context, r Run) (Result, error) {
	return s.operate(ctx, apitype.DestroyUpdate, r)
}

func (s *Stack) operate(ctx context.Context, kind apitype.UpdateKind, r Run) (Result, error) {
	if kind == apitype.PreviewUpdate {
		target, _, err := s.target(ctx, false)
		if err != nil {
			return Result{}, err
		}
		changes, err := s.run(ctx, kind, r, target, nil)
		return Result{Changes: changes}, err
	}
	unlock, err := s.store.lock(ctx, lockRequest{operation: string(kind), wait: r.Wait, waiting: r.Waiting})
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	target, interrupted, err := s.target(ctx, true)
	if err != nil {
		return Result{}, err
	}
	warn(r.Out, interrupted)
	writes := newJournal(target.Snapshot, interrupted, s.store.save)
	started := time.Now()
	changes, failed := s.run(ctx, kind, r, target, writes)
	settled := writes.removePending(resolved(writes.saved, failed == nil && kind != apitype.RefreshUpdate))
	outputs, err := outputsOf(writes.saved)
	recorded := s.store.record(s.update(kind, started, changes, failed, r.notes(outputs, failed)))
	if failed != nil {
		// The operation's own error comes first; a failure to write the history
		// matters less.
		return Result{Changes: changes, Outputs: outputs}, failed
	}
	return Result{Changes: changes, Outputs: outputs}, errors.Join(settled, recorded, err)
}

// target returns the engine's target. Operations that write have a snapshot and
// a key for secrets. interrupted are creations that an earlier operation did
// not end.
func (s *Stack) target(ctx context.Context, writes bool) (*deploy.Target, []pkgresource.Operation, error) {
	snapshot, err := s.store.load(ctx, s.secrets)
	if err != nil {
		return nil, nil, err
	}
	decrypter, err := s.secrets.decrypter()
	if err != nil {
		return nil, nil, err
	}
	var interrupted []pkgresource.Operation
	if snapshot != nil {
		for _, operation := range snapshot.PendingOperations {
			if operation.Type == pkgresource.OperationTypeCreating {
				interrupted = append(interrupted, operation)
			}
		}
		// With pending operations, the engine's message would be to run the CLI.
		snapshot.PendingOperations = nil
	}
	if writes {
		if snapshot == nil {
			snapshot = deploy.NewSnapshot(deploy.Manifest{}, nil, nil, nil, deploy.SnapshotMetadata{}, nil, nil)
		}
		if snapshot.SecretsManager, err = s.secrets.manager(); err != nil {
			return nil, nil, err
		}
	}
	return &deploy.Target{
		Name: s.name, Organization: organization,
		Config: s.config, Decrypter: decrypter, Snapshot: snapshot,
	}, interrupted, nil
}
