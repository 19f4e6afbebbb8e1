// Package preview previews a stack on Pulumi's engine inside this process: no
// account, no token, no network. Fake providers fill in the values that only a
// cloud knows, so that the user-data of machines is complete.
package preview

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/engine"
	"escala/infra/engine/offline"
	"escala/infra/engine/stackfile"
	"escala/infra/plan"
	"escala/infra/plan/unpack"
	"escala/infra/program"
	"escala/infra/workspace"
)

// Options selects the stack to preview.
type Options struct {
	// Root is the path of the project.
	Root string
	// Stack is the stack's name.
	Stack string
	// Targets returns the targets that the program knows.
	Targets program.Targets
}

// Stack previews a stack. A failure of the program or of its configuration is
// reported in the result's Error. The returned error means that this computer
// could not run the preview.
func Stack(ctx context.Context, o Options) (plan.Stack, *plan.Secrets, error) {
	out := plan.Stack{Name: o.Stack}
	r := &preview{options: o, secrets: &plan.Secrets{}}
	file, err := stackfile.Read(stackfile.Path(o.Root, o.Stack))
	if err != nil {
		return out, nil, err
	}
	out.Unused = file.OtherKeys()
	if file, err = file.WithSecrets(func(path string) string {
		out.Placeholders = append(out.Placeholders, path)
		value := "placeholder-for-" + path
		r.secrets.Add("the value of "+path, value)
		return value
	}); err != nil {
		return out, nil, err
	}
	slices.Sort(out.Placeholders)
	if err := r.run(ctx, file); err != nil {
		return out, nil, fmt.Errorf("planning stack %s: %w", o.Stack, err)
	}
	if len(r.events.errors) > 0 {
		out.Error = r.secrets.Mask(strings.Join(r.events.errors, "\n"))
		return out, r.secrets, nil
	}
	if err := r.fill(ctx, &out); err != nil {
		return out, nil, fmt.Errorf("planning stack %s: %w", o.Stack, err)
	}
	return out, r.secrets, nil
}

// preview holds the state of one stack's preview.
type preview struct {
	options   Options
	secrets   *plan.Secrets
	declared  options
	recorders []*offline.Recorder
	events    eventLog
}

// run lets the engine preview the stack. The secrets in its file are
// placeholders.
func (r *preview) run(ctx context.Context, file *stackfile.File) error {
	// Only a clone of a test has no Pulumi.yaml.
	project := workspace.Settings{Name: workspace.Project}
	if !workspace.IsClone(r.options.Root) {
		var err error
		if project, err = workspace.Read(r.options.Root); err != nil {
			return err
		}
	}
	providers, recorders, err := providers()
	if err != nil {
		return err
	}
	r.recorders = recorders
	stack, err := engine.Open(engine.Options{
		Project: project.Name, Stack: r.options.Stack, File: file, PlainSecrets: true, Root: r.options.Root,
		Program: func(keys []string) pulumi.RunFunc {
			return r.declared.record(program.Offline(r.options.Root, keys, r.options.Targets))
		},
		Providers: providers, Offline: true,
	})
	if err != nil {
		return err
	}
	_, failed := stack.Preview(ctx, engine.Run{Event: r.events.add})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failed != nil && len(r.events.errors) == 0 {
		return failed
	}
	return nil
}

// fill copies the reports of the engine and of the providers into the plan.
func (r *preview) fill(ctx context.Context, out *plan.Stack) error {
	wanted := map[string]offline.Wanted{}
	by := map[string]*offline.Recorder{}
	for _, w := range r.recorders {
		for _, one := range w.Wanted() {
			wanted[one.URN], by[one.URN] = one, w
			label := "the " + one.Type[strings.LastIndex(one.Type, ":")+1:] + " " + one.Name + "'s"
			collectSecrets(r.secrets, label, withoutUserData(one))
			collectSecrets(r.secrets, label, one.Outputs, r.declared.forResource(one.Type, one.Name).AdditionalSecretOutputs...)
		}
	}
	show := renderer{secrets: r.secrets, root: r.options.Root}
	for _, seen := range r.events.resources {
		if seen.Type == stackType || seen.Type == ownType {
			continue
		}
		res := plan.Resource{
			URN: seen.URN, Type: seen.Type, Name: nameOf(seen.URN), Component: !seen.Custom,
			Retained: seen.RetainOnDelete, Provider: nameOf(providerURN(seen.Provider)),
		}
		if !strings.HasSuffix(typeOf(seen.Parent), stackType) {
			res.Parent = seen.Parent
		}
		declared := r.declared.forResource(seen.Type, res.Name)
		res.Ignores = declared.IgnoreChanges
		if one, there := wanted[seen.URN]; there {
			res.ID, res.Raw = one.ID, renderer{open: true}.inputs(one.Type, one.Inputs)
			res.Inputs, res.Secret = show.inputs(one.Type, one.Inputs), secretInputs(one)
			replaced, err := by[seen.URN].ReplacedBy(ctx, one)
			if err != nil {
				return fmt.Errorf("asking what replaces %s: %w", res.Name, err)
			}
			res.ReplacedBy = union(replaced, declared.ReplaceOnChanges)
		} else if seen.Custom {
			res.Inputs = show.plain(seen.Inputs)
		}
		out.Resources = append(out.Resources, res)
	}
	for _, w := range r.recorders {
		for _, q := range w.Calls() {
			out.Lookups = append(out.Lookups, plan.Lookup{Function: q.Token, Args: show.inputs("", q.Args), Answer: show.inputs("", q.Answer)})
		}
	}
	slices.SortStableFunc(out.Lookups, func(a, b plan.Lookup) int { return strings.Compare(a.Function, b.Function) })
	sortTree(out.Resources)
	out.Machines = unpack.Machines(out.Resources, r.secrets)
	out.Manifests = unpack.Manifests(out.Resources, r.secrets)
	out.Target, _ = r.events.outputs["target"].(string)
	out.Release, _ = r.events.outputs["release"].(string)
	return nil
}

// withoutUserData returns a resource's inputs without user-data, since
// user-data as a whole is marked secret but most of its content is not.
func withoutUserData(one offline.Wanted) resource.PropertyMap {
	out := one.Inputs.Copy()
	for key := range one.Inputs {
		if unpack.Carries(one.Type, string(key)) {
			delete(out, key)
		}
	}
	return out
}
