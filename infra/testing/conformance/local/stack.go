// Package local is the local target's machine as a system for the conformance
// suite: every release goes the way of `make up`, through the real engine.
package local

import (
	"context"

	"escala/infra/deploy"
	"escala/infra/engine"
	room "escala/infra/targets/local"
	"escala/infra/targets/local/provider"
	"escala/infra/testing/conformance/source"
	"escala/infra/testing/conformance/stack"
)

// NewStack returns the stack "local" of a clone, which is not open yet. Close its
// providers in the end.
func NewStack(ctx context.Context, clone source.Clone, cli string, config map[string]any) (*stack.Stack, error) {
	targets := func() []deploy.Target { return []deploy.Target{room.New()} }
	s := &stack.Stack{Name: "local", Clone: clone, Pulumi: cli, Config: config, Targets: targets, Providers: &engine.Attached{}}
	local, err := provider.New()
	if err != nil {
		return nil, err
	}
	return s, s.Providers.AttachProvider(ctx, provider.Name, provider.Version, local)
}
