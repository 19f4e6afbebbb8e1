package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/engine"
	pkgresource "github.com/pulumi/pulumi/pkg/v3/resource"
	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/secrets"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
)

// journal applies the engine's journal entries to a stack's state, one after
// the other, and saves the state. An entry without an important change is saved
// with the next one, or by Close.
type journal struct {
	save func(*deploy.Snapshot) error

	mu sync.Mutex
	// base are the resources from before the operation, by the engine's index.
	// created are those that this operation wrote, in order, and also by the
	// number of the step.
	base, created []*entry
	byStep        map[int64]*entry
	pending       map[int64]pkgresource.Operation
	// interrupted are creations that an earlier operation began and did not
	// complete.
	interrupted []pkgresource.Operation
	extensions  map[apitype.ExtensionRef]apitype.Extension
	snippets    []resource.Snippet
	secrets     secrets.Manager
	refreshed   bool

	saved  *deploy.Snapshot
	dirty  bool
	closed bool
}

var _ engine.Journal = (*journal)(nil)

// entry is the place of a resource in the state.
type entry struct {
	state   *pkgresource.State
	removed bool
}

// newJournal returns the journal of an operation that begins with base. interrupted
// are creations that stay recorded as incomplete.
func newJournal(base *deploy.Snapshot, interrupted []pkgresource.Operation, save func(*deploy.Snapshot) error) *journal {
	j := &journal{save: save, interrupted: interrupted, secrets: base.SecretsManager, snippets: base.Snippets, dirty: true}
	j.rebase(base)
	return j
}

// rebase sets the base to the resources of a snapshot. It copies them, since
// the engine changes its own.
func (j *journal) rebase(base *deploy.Snapshot) {
	j.base, j.created, j.refreshed = nil, nil, false
	j.byStep, j.pending = map[int64]*entry{}, map[int64]pkgresource.Operation{}
	j.extensions = maps.Clone(base.Extensions)
	if j.extensions == nil {
		j.extensions = map[apitype.ExtensionRef]apitype.Extension{}
	}
	for _, r := range base.Resources {
		j.base = append(j.base, &entry{state: r.Copy()})
	}
}

// AddJournalEntry applies an entry and saves the state, unless the save can
// wait.
func (j *journal) AddJournalEntry(e engine.JournalEntry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return errors.New("the operation has ended")
	}
	if err := j.apply(e); err != nil {
		return err
	}
	j.dirty = true
	if e.ElideWrite {
		return nil
	}
	return j.write()
}

func (j *journal) apply(e engine.JournalEntry) error {
	switch e.Kind {
	case engine.JournalEntryBegin:
		if e.Operation != nil {
			j.pending[e.OperationID] = e.Operation.Copy()
		}
	case engine.JournalEntrySuccess:
		return j.succeed(e)
	case engine.JournalEntryFailure:
		delete(j.pending, e.OperationID)
	case engine.JournalEntryRefreshSuccess:
		delete(j.pending, e.OperationID)
		j.refreshed = true
		return j.replace(e, true)
	case engine.JournalEntryOutputs:
		return j.replace(e, false)
	case engine.JournalEntryWrite:
		j.rebase(e.NewSnapshot)
	case engine.JournalEntryRebuiltBaseState:
		snapshot, err := j.snapshot()
		if err != nil {
			return err
		}
		j.rebase(snapshot)
	case engine.JournalEntrySecretsManager:
		j.secrets = e.SecretsManager
	case engine.JournalEntrySnippets:
		j.snippets = slices.Clone(e.Snippets)
	case engine.JournalEntryExtensionParameterize:
		j.extensions[*e.ExtensionRef] = *e.Extension
	default:
		return fmt.Errorf("the engine wrote a journal entry of the unknown kind %s", e.Kind)
	}
	return nil
}

// succeed applies the end of a successful step: it adds the new resource, and
// removes or marks the resource that it replaced.
func (j *journal) succeed(e engine.JournalEntry) error {
	delete(j.pending, e.OperationID)
	j.refreshed = j.refreshed || e.IsRefresh
	if e.State != nil {
		added := &entry{state: e.State}
		j.created = append(j.created, added)
		j.byStep[e.OperationID] = added
	}
	for _, change := range []struct {
		old, created *int64
		apply        func(*entry)
	}{
		{e.RemoveOld, e.RemoveNew, func(r *entry) { r.removed = true }},
		{e.DeleteOld, e.DeleteNew, func(r *entry) { r.state.Delete = true }},
		{e.PendingReplacementOld, e.PendingReplacementNew, func(r *entry) { r.state.PendingReplacement = true }},
	} {
		found, err := j.find(change.old, change.created)
		if err != nil {
			return err
		}
		if found != nil {
			change.apply(found)
		}
	}
	return nil
}

// replace sets a resource's new state in the place of its old one. Without a
// new state, absent decides whether the resource is removed.
func (j *journal) replace(e engine.JournalEntry, absent bool) error {
	found, err := j.find(e.RemoveOld, e.RemoveNew)
	switch {
	case err != nil || found == nil:
		return err
	case e.State != nil:
		found.state = e.State
	case absent:
		found.removed = true
	}
	return nil
}

// find returns the base resource with an index, or the resource that a step
// wrote; nil for neither.
func (j *journal) find(index, step *int64) (*entry, error) {
	switch {
	case index != nil && (*index < 0 || *index >= int64(len(j.base))):
		return nil, fmt.Errorf("the engine's journal names resource %d of a state with %d", *index, len(j.base))
	case index != nil:
		return j.base[*index], nil
	case step != nil && j.byStep[*step] == nil:
		return nil, fmt.Errorf("the engine's journal names step %d, which wrote no resource", *step)
	case step != nil:
		return j.byStep[*step], nil
	}
	return nil, nil
}

// snapshot returns the current state. The resources of this operation come
// first: each is behind its dependencies, and a resource from before can depend
// on any of them.
func (j *journal) snapshot() (*deploy.Snapshot, error) {
	var resources []*pkgresource.State
	for _, r := range slices.Concat(j.created, j.base) {
		if !r.removed {
			resources = append(resources, r.state.Copy())
		}
	}
	if j.refreshed {
		dropDangling(resources)
	}
	operations := slices.Clone(j.interrupted)
	for _, step := range slices.Sorted(maps.Keys(j.pending)) {
		operations = append(operations, j.pending[step])
	}
	manifest := deploy.Manifest{Time: time.Now(), Version: version.Version}
	manifest.Magic = manifest.NewMagic()
	snapshot := deploy.NewSnapshot(manifest, j.secrets, resources, operations, deploy.SnapshotMetadata{}, j.snippets, j.extensions)
	snapshot, err := snapshot.NormalizeURNReferences()
	if err != nil {
		return nil, fmt.Errorf("the state's references: %w", err)
	}
	return snapshot, nil
}

func (j *journal) write() error {
	snapshot, err := j.snapshot()
	if err != nil {
		return err
	}
	if err := j.save(snapshot); err != nil {
		return err
	}
	j.saved, j.dirty = snapshot, false
	return nil
}

// Close saves the unsaved entries. Later entries are refused.
func (j *journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	if !j.dirty {
		return nil
	}
	return j.write()
}

// removePending removes the interrupted creations for which drop is true, and saves.
func (j *journal) removePending(drop func(pkgresource.Operation) bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := len(j.interrupted)
	j.interrupted = slices.DeleteFunc(slices.Clone(j.interrupted), drop)
	if len(j.interrupted) == before {
		return nil
	}
	return j.write()
}

// dropDangling removes references to resources that are not in the list. A
// refresh leaves such references behind when a resource is gone. A missing
// parent is replaced by its own parent. The list is in the order of
// dependencies.
func dropDangling(resources []*pkgresource.State) {
	seen := map[resource.URN]bool{}
	parents := map[resource.URN]resource.URN{}
	missing := func(urn resource.URN) bool { return !seen[urn] }
	for _, r := range resources {
		parents[r.URN] = r.Parent
		for r.Parent != "" && missing(r.Parent) {
			r.Parent = parents[r.Parent]
		}
		r.Dependencies = slices.DeleteFunc(r.Dependencies, missing)
		for key, urns := range r.PropertyDependencies {
			r.PropertyDependencies[key] = slices.DeleteFunc(urns, missing)
		}
		r.ReplaceWith = slices.DeleteFunc(slices.Clone(r.ReplaceWith), missing)
		if missing(r.DeletedWith) {
			r.DeletedWith = ""
		}
		seen[r.URN] = true
	}
}
