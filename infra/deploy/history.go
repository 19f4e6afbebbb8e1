package deploy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// History is a stack's releases, the most recent one first.
type History []service.Release

// remembered is the number of releases in a history: the releases that a rollback
// can use, and some older ones that the release store still has to remove.
const remembered = 3 * service.KeptReleases

// output is the name of the stack output with the history.
const output = "history"

// PastReleases returns the history that is in a stack's outputs.
func PastReleases(outputs map[string]any) (History, error) {
	lines, ok := outputs[output].([]any)
	if !ok {
		return nil, nil
	}
	var h History
	for _, line := range lines {
		text, _ := line.(string)
		release, err := service.ParseLine(text)
		if err != nil {
			return nil, fmt.Errorf("reading which releases the stack has had: %w", err)
		}
		h = append(h, release)
	}
	return h, nil
}

// readAttempts is the number of attempts to read the outputs. readPause is the
// time between them.
const (
	readAttempts = 10
	readPause    = 200 * time.Millisecond
)

// Outputs returns the stack's outputs of its last successful update, or none.
// It leaves out secret outputs.
//
// A StackReference would be a resource in the state, and its outputs differ
// after each release, so every drift check would report it.
func Outputs(ctx *pulumi.Context) (map[string]any, error) {
	name := fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack())
	var read struct {
		Outputs           map[string]any `pulumi:"outputs"`
		SecretOutputNames []string       `pulumi:"secretOutputNames"`
	}
	// A state in a folder is written in place, so a read may see half of it while
	// the engine saves the first steps of this update.
	var err error
	for range readAttempts {
		if err = ctx.Invoke("pulumi:pulumi:readStackOutputs", &stackName{Name: name}, &read); err == nil {
			break
		}
		select {
		case <-time.After(readPause):
		case <-ctx.Context().Done():
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the outputs of stack %s: %w", name, err)
	}
	for _, secret := range read.SecretOutputNames {
		delete(read.Outputs, secret)
	}
	return read.Outputs, nil
}

// stackName is the argument of readStackOutputs.
type stackName struct {
	Name string `pulumi:"name"`
}

// With returns the history after the release current is served.
func (h History) With(current service.Release) History {
	next := History{current}
	for _, release := range h {
		if release.ID != current.ID && len(next) < remembered {
			next = append(next, release)
		}
	}
	return next
}

// Restorable returns the releases that a rollback can use, the current one first.
func (h History) Restorable() []service.Release { return h[:min(len(h), service.KeptReleases)] }

// Expired returns the releases that a rollback can no longer use. It counts only
// the other releases, so the result is the same before and after the update that
// releases current, even if current never serves.
func (h History) Expired(current service.Release) []service.Release {
	others := slices.DeleteFunc(slices.Clone(h), func(r service.Release) bool { return r.ID == current.ID })
	// One place in the history is for current.
	others = others[:min(len(others), remembered-1)]
	return others[min(len(others), service.KeptReleases):]
}

// shortest is the minimum length of an abbreviated release id.
const shortest = 6

// Find returns the release whose id is, or begins with, the given id.
func (h History) Find(id string) (service.Release, error) {
	var found []service.Release
	for _, release := range h.Restorable() {
		if len(id) >= shortest && strings.HasPrefix(string(release.ID), id) {
			found = append(found, release)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(h) == 0 {
		return service.Release{}, fmt.Errorf("cannot go back to %q: the stack has had no release yet", id)
	}
	var ids []string
	for _, release := range h.Restorable() {
		ids = append(ids, release.Short())
	}
	if len(found) > 1 {
		return service.Release{}, fmt.Errorf("%q is the beginning of more than one of %s", id, strings.Join(ids, ", "))
	}
	return service.Release{}, fmt.Errorf("%q is not a release that the stack can go back to; these are: %s", id, strings.Join(ids, ", "))
}

// Export sets the stack outputs "releases", for people, and "history", for
// PastReleases. They resolve once served does, so they never include a release that
// did not serve.
func (h History) Export(ctx *pulumi.Context, served pulumi.StringOutput) {
	ids := make([]string, 0, service.KeptReleases)
	for _, release := range h.Restorable() {
		ids = append(ids, string(release.ID))
	}
	lines := make([]string, 0, len(h))
	for _, release := range h {
		lines = append(lines, release.Line())
	}
	after := func(values []string) pulumi.Output {
		return served.ApplyT(func(string) []string { return slices.Clone(values) })
	}
	ctx.Export("releases", after(ids))
	ctx.Export(output, after(lines))
}
