// Package preview runs a stack's preview on the real engine with nothing but
// this process and Pulumi's CLI: no account, no token, no network.
package preview

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/engine"
	"escala/infra/engine/offline"
	"escala/infra/plan"
	"escala/infra/plan/unpack"
	"escala/infra/program"
	"escala/infra/targets"
)

// Project is the name in Pulumi.yaml.
const Project = "escala"

// Options say what to rehearse.
type Options struct {
	// Root is the clone.
	Root string
	// Pulumi is the CLI's path.
	Pulumi string
	// Stack is the stack's name.
	Stack string
}

// Stack previews a stack. What keeps it from being previewed is in the result's
// Error; an error of its own is one of this computer's.
func Stack(ctx context.Context, o Options) (plan.Stack, *plan.Secrets, error) {
	out := plan.Stack{Name: o.Stack}
	r := &rehearsal{options: o, secrets: &plan.Secrets{}}
	work, err := os.MkdirTemp("", "escala-plan-")
	if err != nil {
		return out, nil, fmt.Errorf("making a folder for the plan: %w", err)
	}
	defer os.RemoveAll(work)
	file, err := read(ctx, filepath.Join(o.Root, "stacks", "Pulumi."+o.Stack+".yaml"), r.secrets)
	if err != nil {
		return out, nil, err
	}
	out.Placeholders, out.Unused = file.placeholders, file.unused
	if err := r.preview(ctx, work, file); err != nil {
		return out, nil, fmt.Errorf("planning stack %s: %w", o.Stack, err)
	}
	if len(r.heard.errors) > 0 {
		out.Error = r.secrets.Mask(strings.Join(r.heard.errors, "\n"))
		return out, r.secrets, nil
	}
	if err := r.fill(ctx, &out); err != nil {
		return out, nil, fmt.Errorf("planning stack %s: %w", o.Stack, err)
	}
	return out, r.secrets, nil
}

// rehearsal is one preview.
type rehearsal struct {
	options  Options
	secrets  *plan.Secrets
	declared options
	watched  []*offline.Watched
	heard    *said
}

func (r *rehearsal) preview(ctx context.Context, work string, file *stackFile) error {
	path := filepath.Join(work, "stack.yaml")
	if err := file.write(path); err != nil {
		return err
	}
	attached := &engine.Attached{}
	defer attached.Close()
	var err error
	if r.watched, err = attach(ctx, attached); err != nil {
		return err
	}
	stack, err := engine.Open(ctx, engine.Options{
		Project:   Project,
		Stack:     r.options.Stack,
		StackFile: path,
		State:     filepath.Join(work, "pulumi"),
		Pulumi:    r.options.Pulumi,
		Program: func(keys []string) pulumi.RunFunc {
			return r.declared.noted(program.Rehearse(r.options.Root, keys, targets.All))
		},
		Providers: attached,
		Env: map[string]string{
			"PULUMI_CONFIG_PASSPHRASE":      file.passphrase,
			"PULUMI_CONFIG_PASSPHRASE_FILE": "",
			// A provider that is not attached is one that is missing here, and none
			// to download.
			"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
		},
	})
	if err != nil {
		return err
	}
	heard, stream := listen()
	_, failed := stack.Preview(ctx, optpreview.EventStreams(stream), optpreview.Color("never"), optpreview.SuppressProgress())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !heard.wait() {
		return fmt.Errorf("starting the preview: %w", failed)
	}
	r.heard = heard
	if failed != nil && len(heard.errors) == 0 {
		return failed
	}
	return nil
}

// fill writes what was heard and watched into the plan.
func (r *rehearsal) fill(ctx context.Context, out *plan.Stack) error {
	wanted := map[string]offline.Wanted{}
	by := map[string]*offline.Watched{}
	for _, w := range r.watched {
		for _, one := range w.Wanted() {
			wanted[one.URN], by[one.URN] = one, w
			label := "the " + one.Type[strings.LastIndex(one.Type, ":")+1:] + " " + one.Name + "'s"
			learn(r.secrets, label, withoutUserData(one))
			learn(r.secrets, label, one.Outputs, r.declared.of(one.Type, one.Name).AdditionalSecretOutputs...)
		}
	}
	show := shower{secrets: r.secrets, root: r.options.Root}
	for _, seen := range r.heard.resources {
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
		declared := r.declared.of(seen.Type, res.Name)
		res.Ignores = declared.IgnoreChanges
		if one, there := wanted[seen.URN]; there {
			res.ID, res.Raw = one.ID, shower{open: true}.inputs(one.Type, one.Inputs)
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
	for _, w := range r.watched {
		for _, q := range w.Asked() {
			out.Lookups = append(out.Lookups, plan.Lookup{Function: q.Token, Args: show.inputs("", q.Args), Answer: show.inputs("", q.Answer)})
		}
	}
	slices.SortStableFunc(out.Lookups, func(a, b plan.Lookup) int { return strings.Compare(a.Function, b.Function) })
	sortTree(out.Resources)
	out.Machines = unpack.Machines(out.Resources, r.secrets)
	out.Manifests = unpack.Manifests(out.Resources, r.secrets)
	out.Target, _ = r.heard.outputs["target"].(string)
	out.Release, _ = r.heard.outputs["release"].(string)
	return nil
}

// withoutUserData are a resource's inputs but those that hold a whole machine,
// whose parts are not all secret.
func withoutUserData(one offline.Wanted) resource.PropertyMap {
	out := one.Inputs.Copy()
	for key := range one.Inputs {
		if unpack.Carries(one.Type, string(key)) {
			delete(out, key)
		}
	}
	return out
}
