package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"strings"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/backend/display"
	resourcechanges "github.com/pulumi/pulumi/pkg/v3/display"
	"github.com/pulumi/pulumi/pkg/v3/engine"
	pkgresource "github.com/pulumi/pulumi/pkg/v3/resource"
	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/util/cancel"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/result"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
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

// labels are the display's names of operations.
var labels = map[apitype.UpdateKind]string{
	apitype.PreviewUpdate: "previewing update", apitype.UpdateUpdate: "updating",
	apitype.RefreshUpdate: "refreshing", apitype.DestroyUpdate: "destroying",
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
	settled := writes.settle(resolved(writes.saved, failed == nil && kind != apitype.RefreshUpdate))
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
		// With pending operations, the engine would tell people to run the CLI.
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

// warn prints the creations that an earlier operation did not end.
func warn(out io.Writer, interrupted []pkgresource.Operation) {
	if out == nil || len(interrupted) == 0 {
		return
	}
	fmt.Fprintln(out, "warning: an earlier operation ended while it created these resources:")
	for _, operation := range interrupted {
		fmt.Fprintf(out, "  %s %s\n", operation.Resource.Type, operation.Resource.URN.Name())
	}
	fmt.Fprintln(out, "They are created again. If the provider had already made one, it exists twice: delete the one that the stack does not list.")
}

// resolved returns a function that reports which interrupted creations need no
// warning any more: all of them after a complete update, otherwise those whose
// resource exists now.
func resolved(snapshot *deploy.Snapshot, all bool) func(pkgresource.Operation) bool {
	return func(operation pkgresource.Operation) bool {
		if all || snapshot == nil {
			return all
		}
		for _, r := range snapshot.Resources {
			if r.URN == operation.Resource.URN && !r.Delete {
				return true
			}
		}
		return false
	}
}

// update returns an operation's entry in the history.
func (s *Stack) update(kind apitype.UpdateKind, started time.Time, changes map[string]int, failed error, notes notes) update {
	outcome := "succeeded"
	if failed != nil {
		outcome = "failed"
	}
	environment := map[string]string{"exec.kind": constant.ExecKindAutoInline, "pulumi.version": version.Version}
	maps.Copy(environment, notes.environment)
	return update{
		Kind: kind, StartTime: started.Unix(), EndTime: time.Now().Unix(), Result: outcome, Message: notes.message,
		Environment: environment,
		Config:      s.config, ResourceChanges: changes,
	}
}

// notes are what a caller adds to an operation's entry in the history.
type notes struct {
	message     string
	environment map[string]string
}

func (r Run) notes(outputs map[string]Output, failed error) notes {
	n := notes{message: r.Message, environment: maps.Clone(r.Environment)}
	if n.environment == nil {
		n.environment = map[string]string{}
	}
	if r.Annotate != nil {
		maps.Copy(n.environment, r.Annotate(outputs, failed))
	}
	return n
}

// run makes the engine do one operation. writes is nil for a preview.
func (s *Stack) run(ctx context.Context, kind apitype.UpdateKind, r Run, target *deploy.Target, writes *journal) (map[string]int, error) {
	scope, source := cancel.NewContext(context.WithoutCancel(ctx))
	defer source.Terminate()
	defer context.AfterFunc(ctx, source.Cancel)()
	defer onClose(r.Kill, source.Terminate)()

	events, shown := s.show(kind, r)
	engineContext := &engine.Context{Cancel: scope, Events: events, BackendClient: references{s}}
	if writes != nil {
		manager, err := engine.NewJournalSnapshotManager(writes, target.Snapshot, target.Snapshot.SecretsManager)
		if err != nil {
			return nil, err
		}
		engineContext.SnapshotManager = manager
	}
	hosts := &hosts{stack: s}
	info := engine.UpdateInfo{Root: s.options.Root, Project: s.project, Target: target}
	options := engine.UpdateOptions{
		HostFactory: hosts.make, Parallel: parallel(), Refresh: r.Refresh, ExecKind: constant.ExecKindAutoInline,
		// The pre-install would search the plugins for the providers of this
		// process. The engine installs a missing plugin on first use.
		SkipPluginPreInstall: true,
	}
	var changes resourcechanges.ResourceChanges
	var failed error
	switch kind {
	case apitype.RefreshUpdate:
		_, changes, failed = engine.Refresh(info, engineContext, options, false)
	case apitype.DestroyUpdate:
		_, changes, failed = engine.Destroy(info, engineContext, options, false)
	default:
		_, changes, failed = engine.Update(info, engineContext, options, kind == apitype.PreviewUpdate)
	}
	<-shown
	var unsaved error
	if writes != nil {
		unsaved = writes.Close()
	}
	killed := scope.TerminateErr() != nil
	// This makes the engine close its hosts.
	source.Terminate()
	if !killed {
		failed = errors.Join(failed, hosts.close())
	}
	counts := map[string]int{}
	for op, n := range changes {
		counts[string(op)] = n
	}
	return counts, outcome(failed, unsaved, killed || ctx.Err() != nil)
}

// outcome returns the error of an operation. failed is the engine's error,
// unsaved is the error of the last write of the state.
func outcome(failed, unsaved error, interrupted bool) error {
	switch {
	case unsaved != nil && failed != nil:
		return fmt.Errorf("%w; and %w", failed, unsaved)
	case unsaved != nil:
		return unsaved
	case failed == nil:
		return nil
	case interrupted:
		return ErrInterrupted
	case result.IsBail(failed):
		return ErrFailed
	}
	return failed
}

// onClose calls f when a channel is closed, until the returned function is
// called.
func onClose(c <-chan struct{}, f func()) (stop func()) {
	if c == nil {
		return func() {}
	}
	over := make(chan struct{})
	go func() {
		select {
		case <-c:
			f()
		case <-over:
		}
	}()
	return func() { close(over) }
}

// show displays events and reports them. It closes shown after the engine's
// last event. The channel of events stays open, since a killed operation
// continues to send.
func (s *Stack) show(kind apitype.UpdateKind, r Run) (events chan<- engine.Event, shown <-chan struct{}) {
	incoming, done := make(chan engine.Event), make(chan struct{})
	var displayed chan engine.Event
	displayEnds := make(chan bool)
	if r.Out == nil {
		close(displayEnds)
	} else {
		displayed = make(chan engine.Event)
		color := colors.Never
		if r.Color {
			color = colors.Always
		}
		go display.ShowEvents(labels[kind], kind, s.name, s.project.Name, "", displayed, displayEnds, display.Options{
			Color: color, Type: display.DisplayProgress, SuppressOutputs: r.SuppressOutputs,
			SuppressPermalink: true, Stdin: strings.NewReader(""), Stdout: r.Out, Stderr: r.Out,
			// Progress is the spinner's dots, which always go to the standard
			// output.
			SuppressProgress: true,
		}, kind == apitype.PreviewUpdate)
	}
	go func() {
		for e := range incoming {
			if r.Event != nil {
				if converted, err := display.ConvertEngineEvent(e, false); err == nil {
					r.Event(converted)
				}
			}
			if displayed != nil {
				displayed <- e
			}
			if e.Type == engine.CancelEvent {
				<-displayEnds
				if displayed != nil {
					close(displayed)
				}
				close(done)
				break
			}
		}
		for range incoming {
			// Events that a killed operation still sends are dropped.
		}
	}()
	return incoming, done
}

// parallel returns the number of resources in progress at a time, as in the
// CLI.
func parallel() int32 { return int32(4 * runtime.GOMAXPROCS(0)) }
