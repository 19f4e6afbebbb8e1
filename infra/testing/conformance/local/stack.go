// Package local runs the conformance suite against the machine of the local
// target. Every release goes the way of `make up`, through the real engine.
package local

import (
	"escala/infra/deploy"
	"escala/infra/engine"
	target "escala/infra/targets/local"
	"escala/infra/targets/local/provider"
	"escala/infra/testing/conformance/source"
	"escala/infra/testing/conformance/stack"
)

// NewStack returns the stack "local" of a clone.
func NewStack(clone source.Clone, config map[string]any) *stack.Stack {
	return &stack.Stack{
		Name: "local", Clone: clone, Config: config,
		Targets:   func() []deploy.Target { return []deploy.Target{target.New()} },
		Providers: []engine.Provider{engine.NewProvider(provider.Name, provider.Version, provider.New)},
	}
}
