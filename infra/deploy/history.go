package deploy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// History are a stack's releases, the one that was current last first.
type History []service.Release

// remembered is how many releases a history holds: those that a stack can go
// back to, and some that it cannot any more, for its store to remove.
const remembered = 3 * service.KeptReleases

// output is the name of the stack's output.
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

// readAttempts is how often the outputs are asked for, readPause the time
// between.
const (
	readAttempts = 10
	readPause    = 200 * time.Millisecond
)

// Outputs returns the outputs that the stack has from its last update that
// succeeded, or none. Secret ones are not among them.
//
// A StackReference would be a resource in the state, whose outputs differ after
// each release: every look for drift would find that.
func Outputs(ctx *pulumi.Context) (map[string]any, error) {
	name := fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack())
	var read struct {
		Outputs           map[string]any `pulumi:"outputs"`
		SecretOutputNames []string       `pulumi:"secretOutputNames"`
	}
	// A state in a folder is written in place: it may be read half written, while
	// the engine notes this update's first steps.
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

// With is the history once current is served.
func (h History) With(current service.Release) History {
	next := History{current}
	for _, release := range h {
		if release.ID != current.ID && len(next) < remembered {
			next = append(next, release)
		}
	}
	return next
}

// Kept are the releases that the stack can go back to, the current one first.
func (h History) Kept() []service.Release { return h[:min(len(h), service.KeptReleases)] }

// Expired returns the releases that the stack cannot go back to any more, also
// if current does not come to serve: what is counted are the others. So it is the
// same before and after the update that releases current.
func (h History) Expired(current service.Release) []service.Release {
	others := slices.DeleteFunc(slices.Clone(h), func(r service.Release) bool { return r.ID == current.ID })
	// Beside current, a history has room for so many.
	others = others[:min(len(others), remembered-1)]
	return others[min(len(others), service.KeptReleases):]
}

// shortest is how much of a release's id one must give.
const shortest = 6

// Find is the release that a person means by an id or the beginning of one.
func (h History) Find(id string) (service.Release, error) {
	var found []service.Release
	for _, release := range h.Kept() {
		if len(id) >= shortest && strings.HasPrefix(string(release.ID), id) {
			found = append(found, release)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(h) == 0 {
		return service.Release{}, fmt.Errorf("%q cannot be gone back to: the stack has had no release yet", id)
	}
	var ids []string
	for _, release := range h.Kept() {
		ids = append(ids, release.Short())
	}
	if len(found) > 1 {
		return service.Release{}, fmt.Errorf("%q may be several of %s", id, strings.Join(ids, ", "))
	}
	return service.Release{}, fmt.Errorf("%q is not a release that the stack can go back to; these are: %s", id, strings.Join(ids, ", "))
}

// Export gives the stack its outputs: "releases", for people, and "history",
// which Read reads. They resolve once served does, so that a release which
// never served is not in them.
func (h History) Export(ctx *pulumi.Context, served pulumi.StringOutput) {
	ids := make([]string, 0, service.KeptReleases)
	for _, release := range h.Kept() {
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
