// Package origin finds out where an update of a stack comes from: the commit and its
// author, and the CI's run. The keys are those that Pulumi's command line writes
// into a stack's history (github.com/pulumi/pulumi/pkg/v3/backend, updates.go), so
// that both histories have the same format.
package origin

import (
	"context"
	"os/exec"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/ciutil"
)

// Keys of the environment in a stack's history.
const (
	GitHead   = "git.head"
	GitDirty  = "git.dirty"
	GitAuthor = "git.author"
	CISystem  = "ci.system"
	CIRun     = "ci.build.id"
	CIURL     = "ci.build.url"
	// Release, Reason and Drifted are escala's own: the release that serves after the
	// update, the reason why the update failed, and the names of the resources that a
	// refresh found changed.
	Release = "escala.release"
	Reason  = "escala.reason"
	Drifted = "escala.drifted"
)

// Origin is where an update comes from. Unknown fields are "".
type Origin struct {
	// Commit is the id of the commit, and Title the first line of its message. Dirty
	// means that there are changes without a commit.
	Commit, Title string
	Dirty         bool
	// Author is the name of the commit's author.
	Author string
	// CI is the name of the CI, Run its run's id and URL its page.
	CI, Run, URL string
}

// gitTimeout limits git, which may wait for a network file system.
const gitTimeout = 5 * time.Second

// Of returns the origin of an update of the project at root, as far as it is known.
func Of(ctx context.Context, root string) Origin {
	var o Origin
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	// A NUL separates the fields, because no field can contain one.
	fields := strings.Split(git(ctx, root, "log", "-1", "--format=%H%x00%an%x00%s"), "\x00")
	if len(fields) == 3 {
		o.Commit, o.Author, o.Title = fields[0], fields[1], fields[2]
		o.Dirty = git(ctx, root, "status", "--porcelain", "--untracked-files=no") != ""
	}
	ci := ciutil.DetectVars()
	o.CI, o.Run, o.URL = string(ci.Name), ci.BuildID, ci.BuildURL
	return o
}

// git returns a command's output without its last line end, or "".
func git(ctx context.Context, root string, args ...string) string {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(out), "\n")
}

// Environment returns the origin in the form of the history.
func (o Origin) Environment() map[string]string {
	all := map[string]string{
		GitHead: o.Commit, GitAuthor: o.Author, CISystem: o.CI, CIRun: o.Run, CIURL: o.URL,
	}
	if o.Dirty {
		all[GitDirty] = "true"
	}
	for key, value := range all {
		if value == "" {
			delete(all, key)
		}
	}
	return all
}

// From reads what Environment wrote.
func From(environment map[string]string) Origin {
	return Origin{
		Commit: environment[GitHead], Author: environment[GitAuthor], Dirty: environment[GitDirty] == "true",
		CI: environment[CISystem], Run: environment[CIRun], URL: environment[CIURL],
	}
}

// Who returns the author and the CI's run: "Ana, GitHub Actions 42".
func (o Origin) Who() string {
	run := strings.TrimSpace(o.CI + " " + o.Run)
	switch {
	case o.Author == "":
		return run
	case run == "":
		return o.Author
	default:
		return o.Author + ", " + run
	}
}
