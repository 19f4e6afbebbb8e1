// Package program is the Pulumi program: from a stack's configuration to the
// outputs that every stack has, whatever its target.
package program

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build"
	"escala/infra/config"
	"escala/infra/local"
	"escala/infra/target"
)

// targets is the list of targets. A new one is a room beside infra/local and a
// line here.
func targets() []target.Target {
	return []target.Target{
		local.New(),
	}
}

// StateFolder is the folder of the clone that everything lies in that is kept
// between updates and is not in the repository.
const StateFolder = ".escala"

// New returns the program for the clone at root. keys are all configuration
// keys that are set (see config.FromPulumi).
func New(root string, keys []string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		chosen, request, err := read(ctx, root, keys)
		if err != nil {
			return err
		}
		request.Release, err = build.Service(ctx.Context(), root, request.State, chosen.Platform())
		if err != nil {
			return err
		}
		endpoint, err := chosen.Deploy(ctx, request)
		if err != nil {
			return fmt.Errorf("deploying to %s: %w", chosen.Name(), err)
		}
		ctx.Export("url", endpoint.URL)
		ctx.Export("health", pulumi.Sprintf("%s%s", endpoint.URL, request.Spec.HealthPath))
		ctx.Export("release", endpoint.Release)
		ctx.Export("target", pulumi.String(chosen.Name()))
		return nil
	}
}

// read turns the configuration into the chosen target and what it is asked for,
// or says everything that is wrong with it.
func read(ctx *pulumi.Context, root string, keys []string) (target.Target, target.Request, error) {
	all := targets()
	var sections []config.Section
	for _, t := range all {
		sections = append(sections, config.Section{Target: t.Name(), Key: t.Section(), Settings: t.Settings()})
	}
	c, err := config.Load(ctx.Project(), config.FromPulumi(ctx, keys), sections)
	if err != nil {
		return nil, target.Request{}, config.Error(ctx.Stack(), err)
	}
	request := target.Request{
		Spec:        c.Service,
		State:       filepath.Join(root, StateFolder),
		GateTimeout: c.Gate.Timeout,
		Stack:       ctx.Stack(),
	}
	for _, t := range all {
		if t.Name() == c.Target {
			return t, request, config.Error(ctx.Stack(), t.Check(ctx.Context(), request))
		}
	}
	return nil, target.Request{}, errors.New("target " + c.Target + " is not in the list of targets")
}
