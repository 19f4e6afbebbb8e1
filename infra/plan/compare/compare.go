// Package compare finds the changes between two plans, for example of two
// commits: in resources and their inputs, and in the files on machines and the
// manifests in clusters.
package compare

import (
	"cmp"
	"context"
	"slices"

	"escala/infra/plan"
)

// Note explains what a difference shows and what it does not show.
const Note = "These are the differences between two plans, each made by its own commit's code. " +
	"No cloud was asked: what a stack that is there would become is for `pulumi preview` to say."

// Difference holds the changes from a base plan to the current plan.
type Difference struct {
	Version int    `json:"version"`
	Note    string `json:"note"`
	// Base is the commit of the base plan.
	Base string `json:"base"`
	// Missing is the reason if the base has no plan. Everything counts as new
	// then.
	Missing string  `json:"missing,omitempty"`
	Stacks  []Stack `json:"stacks"`
}

// Change is the kind of a change.
type Change string

// The changes.
const (
	Added    Change = "added"
	Removed  Change = "removed"
	Changed  Change = "changed"
	Replaced Change = "replaced"
)

// Stack holds the changes in a stack. Unchanged stacks are left out.
type Stack struct {
	Name string `json:"name"`
	// Change is Changed, or Added or Removed if the whole stack is new or gone.
	Change Change `json:"change"`
	// Before and After are the errors of the two previews, if there are any.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Release holds the ids of both releases if they differ.
	Release   *[2]string `json:"release,omitempty"`
	Resources []Resource `json:"resources,omitempty"`
	Files     []File     `json:"files,omitempty"`
	// Costs holds the changes of the monthly costs, if there are any.
	Costs *Costs `json:"costs,omitempty"`
	// New holds the errors and warnings that the base does not have.
	New []plan.Finding `json:"newFindings,omitempty"`
}

// Resource is a changed resource.
type Resource struct {
	URN    string  `json:"urn"`
	Type   string  `json:"type"`
	Name   string  `json:"name"`
	Change Change  `json:"change"`
	Inputs []Input `json:"inputs,omitempty"`
	// By lists the changed inputs that force a replacement.
	By []string `json:"by,omitempty"`
	// Retained means that a removed resource stays in the cloud (RetainOnDelete).
	Retained bool `json:"retained,omitempty"`
}

// Input is a changed input. A missing side is null.
type Input struct {
	Path   string `json:"path"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// File is a changed file.
type File struct {
	Path   string `json:"path"`
	Change Change `json:"change"`
	// Diff is the change in the unified format.
	Diff string `json:"diff"`
}

// Plans compares two plans.
func Plans(ctx context.Context, base string, before, after plan.Plan) (Difference, error) {
	d := Difference{Version: plan.Version, Note: Note, Base: base}
	olds, news := byName(before), byName(after)
	for _, name := range names(before, after) {
		old, was := olds[name]
		now, is := news[name]
		s := Stack{Name: name, Change: Changed, Before: old.Error, After: now.Error}
		switch {
		case !was:
			s.Change = Added
		case !is:
			s.Change = Removed
		}
		if old.Release != now.Release && was && is {
			s.Release = &[2]string{old.Release, now.Release}
		}
		s.Resources = resources(old.Resources, now.Resources)
		var err error
		if s.Files, err = files(ctx, contents(old), contents(now)); err != nil {
			return d, err
		}
		s.Costs = costs(old.Costs, now.Costs, s.Change)
		for _, f := range now.Findings {
			if f.Level != plan.Notice && !slices.Contains(old.Findings, f) {
				s.New = append(s.New, f)
			}
		}
		if was && is && s.Before == s.After && s.Release == nil && s.Costs == nil && len(s.Resources)+len(s.Files)+len(s.New) == 0 {
			continue
		}
		d.Stacks = append(d.Stacks, s)
	}
	return d, nil
}

// Fails reports whether the changes include an error: a current stack that
// cannot be previewed, or a new finding of level error.
func (d Difference) Fails() bool {
	return slices.ContainsFunc(d.Stacks, func(s Stack) bool {
		return s.After != "" || slices.ContainsFunc(s.New, func(f plan.Finding) bool { return f.Level == plan.Error })
	})
}

func byName(p plan.Plan) map[string]plan.Stack {
	stacks := map[string]plan.Stack{}
	for _, s := range p.Stacks {
		stacks[s.Name] = s
	}
	return stacks
}

func names(plans ...plan.Plan) []string {
	var all []string
	for _, p := range plans {
		for _, s := range p.Stacks {
			all = append(all, s.Name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func resources(before, after []plan.Resource) []Resource {
	olds := map[string]plan.Resource{}
	for _, r := range before {
		olds[r.URN] = r
	}
	var changes []Resource
	exists := map[string]bool{}
	for _, now := range after {
		exists[now.URN] = true
		c := Resource{URN: now.URN, Type: now.Type, Name: now.Name}
		old, was := olds[now.URN]
		if !was {
			c.Change = Added
			changes = append(changes, c)
			continue
		}
		c.Inputs = inputs(old.Inputs, now.Inputs, now.Ignores)
		if len(c.Inputs) == 0 {
			continue
		}
		c.Change, c.By = Changed, replacing(c.Inputs, now.ReplacedBy)
		if len(c.By) > 0 {
			c.Change = Replaced
		}
		changes = append(changes, c)
	}
	for _, r := range before {
		if !exists[r.URN] {
			changes = append(changes, Resource{URN: r.URN, Type: r.Type, Name: r.Name, Change: Removed, Retained: r.Retained})
		}
	}
	order := map[Change]int{Removed: 0, Replaced: 1, Changed: 2, Added: 3}
	slices.SortStableFunc(changes, func(a, b Resource) int { return cmp.Compare(order[a.Change], order[b.Change]) })
	return changes
}
