// Package stack runs a clone's program as `make up` does: under the real engine,
// with providers in this process. Systems that are provisioned by the program go
// through it.
package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"gopkg.in/yaml.v3"

	"escala/infra/engine"
	"escala/infra/program"
	"escala/infra/testing/conformance/source"
)

// Stack is one stack of a clone.
type Stack struct {
	// Name is the stack's.
	Name string
	// Clone is what it is built from; its state lies there, too.
	Clone source.Clone
	// Pulumi is the CLI's path.
	Pulumi string
	// Config is the stack's configuration, without the namespace.
	Config map[string]any
	// Targets are those that the program knows.
	Targets program.Targets
	// Providers run in this process. Whoever made them ends them.
	Providers *engine.Attached
}

func (s *Stack) open(ctx context.Context) (auto.Stack, error) {
	values := map[string]any{}
	for key, value := range s.Config {
		values["escala:"+key] = value
	}
	content, err := yaml.Marshal(map[string]any{"config": values})
	if err != nil {
		return auto.Stack{}, fmt.Errorf("writing the stack's configuration: %w", err)
	}
	file := filepath.Join(s.Clone.Root, "Pulumi."+s.Name+".yaml")
	if err := os.WriteFile(file, content, 0o644); err != nil {
		return auto.Stack{}, fmt.Errorf("writing the stack's configuration: %w", err)
	}
	return engine.Open(ctx, engine.Options{
		Project:   "escala",
		Stack:     s.Name,
		StackFile: file,
		State:     filepath.Join(s.Clone.Root, program.StateFolder, "pulumi"),
		Pulumi:    s.Pulumi,
		Program:   func(keys []string) pulumi.RunFunc { return program.New(s.Clone.Root, keys, s.Targets) },
		Providers: s.Providers,
	})
}

// Update is what an update came to.
type Update struct {
	Outputs map[string]string
	// Changes counts resources by what was done with them ("create", "same").
	Changes map[string]int
	// Display is all that the engine printed.
	Display string
}

// Up updates the stack. An error has the engine's whole display in it.
func (s *Stack) Up(ctx context.Context) (Update, error) {
	stack, err := s.open(ctx)
	if err != nil {
		return Update{}, err
	}
	var display bytes.Buffer
	result, err := stack.Up(ctx, optup.ProgressStreams(&display), optup.Color("never"), optup.Refresh())
	u := Update{Display: display.String(), Outputs: map[string]string{}}
	if err != nil {
		return u, errors.New(u.Display)
	}
	for key, o := range result.Outputs {
		u.Outputs[key] = fmt.Sprint(o.Value)
	}
	if changes := result.Summary.ResourceChanges; changes != nil {
		u.Changes = *changes
	}
	return u, nil
}

// Preview says what Up would do.
func (s *Stack) Preview(ctx context.Context) (Update, error) {
	stack, err := s.open(ctx)
	if err != nil {
		return Update{}, err
	}
	var display bytes.Buffer
	result, err := stack.Preview(ctx, optpreview.ProgressStreams(&display), optpreview.Color("never"))
	u := Update{Display: display.String(), Changes: map[string]int{}}
	if err != nil {
		return u, errors.New(u.Display)
	}
	for op, n := range result.ChangeSummary {
		u.Changes[string(op)] = n
	}
	return u, nil
}

// Destroy destroys the stack and forgets it.
func (s *Stack) Destroy(ctx context.Context) error {
	stack, err := s.open(ctx)
	if err != nil {
		return err
	}
	var display bytes.Buffer
	if _, err := stack.Destroy(ctx, optdestroy.ProgressStreams(&display), optdestroy.Color("never"), optdestroy.Refresh(), optdestroy.Remove()); err != nil {
		return errors.New(display.String())
	}
	return nil
}
