// Package stack runs a clone's program as `make up` does, on Pulumi's engine.
// Systems that the program provisions use it.
package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/engine"
	"escala/infra/engine/stackfile"
	"escala/infra/program"
	"escala/infra/testing/conformance/source"
	"escala/infra/workspace"
)

// Stack is one stack of a clone.
type Stack struct {
	Name string
	// Clone is the source of the stack. It also holds the stack's state.
	Clone source.Clone
	// Config is the stack's configuration, without the namespace.
	Config map[string]any
	// Targets are the targets that the program knows.
	Targets program.Targets
	// Providers are used instead of installed plugins.
	Providers []engine.Provider
	// Install lets the engine install the plugins of other providers.
	Install bool
}

// open opens the stack with the current configuration.
func (s *Stack) open() (*engine.Stack, error) {
	values := map[string]any{}
	for key, value := range s.Config {
		values[workspace.Project+":"+key] = value
	}
	file, err := stackfile.New("Pulumi."+s.Name+".yaml", values)
	if err != nil {
		return nil, err
	}
	return engine.Open(engine.Options{
		Project: workspace.Project, Stack: s.Name, File: file, Root: s.Clone.Root,
		State:     filepath.Join(s.Clone.Root, program.StateFolder, "pulumi", "backend"),
		Program:   func(keys []string) pulumi.RunFunc { return program.New(s.Clone.Root, keys, s.Targets) },
		Providers: s.Providers, Offline: !s.Install,
	})
}

// Update is the result of an update.
type Update struct {
	Outputs map[string]string
	// Changes counts resources by operation ("create", "same").
	Changes map[string]int
	// Display is the engine's complete output.
	Display string
}

// Up updates the stack. An error contains the engine's complete output.
func (s *Stack) Up(ctx context.Context) (Update, error) {
	return s.operate(ctx, func(stack *engine.Stack, run engine.Run) (engine.Result, error) {
		run.Refresh = true
		return stack.Up(ctx, run)
	})
}

// Preview shows what Up would do.
func (s *Stack) Preview(ctx context.Context) (Update, error) {
	return s.operate(ctx, func(stack *engine.Stack, run engine.Run) (engine.Result, error) {
		return stack.Preview(ctx, run)
	})
}

// Refresh compares the state with what exists.
func (s *Stack) Refresh(ctx context.Context) (Update, error) {
	return s.operate(ctx, func(stack *engine.Stack, run engine.Run) (engine.Result, error) {
		return stack.Refresh(ctx, run)
	})
}

// Destroy destroys the stack and its state.
func (s *Stack) Destroy(ctx context.Context) error {
	_, err := s.operate(ctx, func(stack *engine.Stack, run engine.Run) (engine.Result, error) {
		run.Refresh = true
		if result, err := stack.Destroy(ctx, run); err != nil {
			return result, err
		}
		return engine.Result{}, stack.Remove(ctx)
	})
	return err
}

func (s *Stack) operate(ctx context.Context, operation func(*engine.Stack, engine.Run) (engine.Result, error)) (Update, error) {
	stack, err := s.open()
	if err != nil {
		return Update{}, err
	}
	var display bytes.Buffer
	result, err := operation(stack, engine.Run{Out: &display})
	u := Update{Display: display.String(), Outputs: map[string]string{}, Changes: result.Changes}
	if err != nil {
		return u, fmt.Errorf("%w\n%s", errors.Join(err, ctx.Err()), u.Display)
	}
	for key, output := range result.Outputs {
		u.Outputs[key] = fmt.Sprint(output.Value)
	}
	return u, nil
}
