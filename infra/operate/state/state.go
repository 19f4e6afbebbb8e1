// Package state opens a stack for package operate: it reads the stack's file and its
// state, and does not run the Pulumi program. The state is in the project's own
// folder, where make stores it, or in the backend that Pulumi's command line is
// logged in to (Pulumi Cloud, a bucket). Pulumi's command line must then be on this
// computer.
package state

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"escala/infra/deploy"
	"escala/infra/engine"
	"escala/infra/engine/stackfile"
	"escala/infra/operate"
	"escala/infra/program"
	"escala/infra/stackconfig"
	"escala/infra/workspace"
)

// Open reads a stack of the project at root. It returns the stack's target with its
// settings. It does not report mistakes in the stack's file, because they must not
// prevent an operator from checking what runs.
func Open(ctx context.Context, root, stack string, all []deploy.Target) (*operate.Stack, deploy.Target, error) {
	file, err := stackfile.Read(stackfile.Path(root, stack))
	if err != nil {
		return nil, nil, err
	}
	project, err := workspace.Read(root)
	if err != nil {
		return nil, nil, err
	}
	folder := filepath.Join(root, program.StateFolder)
	opened, err := engine.Open(engine.Options{
		Project: project.Name, Stack: stack, File: file,
		Root: filepath.Join(root, project.Main), State: filepath.Join(folder, "pulumi", "backend"),
	})
	if err != nil {
		return nil, nil, err
	}
	c, chosen := settings(ctx, opened, file, all)
	if chosen == nil {
		return nil, nil, fmt.Errorf("%s: escala:target is %q, which is not a target", file.Path, c.Target)
	}
	s := &operate.Stack{
		Project: project.Name, Name: stack, Target: chosen.Name(), Root: root, State: folder,
		Spec: c.Service, Config: opened.Config,
	}
	h := history{stack: s, engine: opened}
	if h.exported, err = load(ctx, s, opened); err != nil {
		return nil, nil, err
	}
	s.Updates, s.SharedBackend = h.updates, h.exported
	return s, chosen, nil
}

// settings returns the stack's configuration and its target, whose settings it sets.
// It leaves encrypted values out: only Stack.Config decrypts.
func settings(ctx context.Context, opened *engine.Stack, file *stackfile.File, all []deploy.Target) (stackconfig.Config, deploy.Target) {
	var sections []stackconfig.Section
	for _, t := range all {
		sections = append(sections, stackconfig.Section{Target: t.Name(), Key: t.Section(), Settings: t.Settings()})
	}
	c, _ := stackconfig.Load(workspace.Namespace, plain{ctx, opened, stackconfig.ReadFile(file.Path)}, sections)
	i := slices.IndexFunc(all, func(t deploy.Target) bool { return t.Name() == c.Target })
	if i < 0 {
		return c, nil
	}
	return c, all[i]
}

// plain is the part of a stack's configuration that is not encrypted.
type plain struct {
	ctx   context.Context
	stack *engine.Stack
	file  stackconfig.File
}

var _ stackconfig.Source = plain{}

func (p plain) Keys() []string {
	return slices.DeleteFunc(p.stack.Keys(), p.stack.Secure)
}

func (p plain) Get(key string) (string, bool) {
	value, set, err := p.stack.Config(p.ctx, key)
	return value, set && err == nil
}

func (p plain) File() stackconfig.File { return p.file }

// load reads the state from the project's folder, or with Pulumi's command line if
// that folder has none.
func load(ctx context.Context, s *operate.Stack, opened *engine.Stack) (byCommand bool, err error) {
	resources, err := opened.Resources(ctx)
	if err != nil {
		// Values that are not secret can be read without the key.
		sealed, readErr := opened.Sealed()
		if readErr != nil || sealed == nil || parse(s, sealed) != nil {
			return false, err
		}
		s.Sealed = err
		return false, nil
	}
	if len(resources) == 0 {
		return true, exported(ctx, s)
	}
	for _, r := range resources {
		s.Resources = append(s.Resources, operate.Resource{
			URN: r.URN, Type: r.Type, Name: r.Name, ID: r.ID, Inputs: r.Inputs, Outputs: r.Outputs,
			Provider: r.Provider, Component: r.Component, Replaced: r.Replaced,
		})
	}
	outputs, err := opened.Outputs(ctx)
	if err != nil {
		return false, err
	}
	s.Outputs = map[string]any{}
	for key, output := range outputs {
		if !output.Secret {
			s.Outputs[key] = output.Value
		}
	}
	return false, nil
}
