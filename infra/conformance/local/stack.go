// Package local is the local target's machine as a system for the conformance
// suite: every release goes the way of `make up`, through the real engine.
package local

import (
	"context"

	"escala/infra/conformance/source"
	"escala/infra/conformance/stack"
	"escala/infra/engine"
	room "escala/infra/local"
	"escala/infra/local/provider"
	"escala/infra/target"
)

// NewStack returns the stack "local" of a clone, which is not open yet. Close its
// providers in the end.
func NewStack(ctx context.Context, clone source.Clone, cli string, config map[string]any) (*stack.Stack, error) {
	targets := func() []target.Target { return []target.Target{room.New()} }
	s := &stack.Stack{Name: "local", Clone: clone, Pulumi: cli, Config: config, Targets: targets, Providers: &engine.Attached{}}
	local, err := provider.New()
	if err != nil {
		return nil, err
	}
	return s, s.Providers.AttachProvider(ctx, provider.Name, provider.Version, local)
}
