package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	resourcechanges "github.com/pulumi/pulumi/pkg/v3/display"
	"github.com/pulumi/pulumi/pkg/v3/engine"
	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/util/cancel"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/result"
)

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

// parallel returns the number of resources in progress at a time, as in the
// CLI.
func parallel() int32 { return int32(4 * runtime.GOMAXPROCS(0)) }
