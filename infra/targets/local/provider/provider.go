// Package provider is the Pulumi provider of the local target: machines that
// are containers, the address in front of them, and a release store that is a
// folder. It does on this computer what a cloud's provider does in its cloud.
package provider

import (
	"context"
	"fmt"
	"path/filepath"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"escala/infra/targets/local/podman"
)

// Name is the name of the provider and its package.
const Name = "escala"

// Version is the provider's version. Pulumi requires one.
const Version = "0.1.0"

// Config is the provider's configuration.
type Config struct {
	// State is the absolute path of the state folder. Resources have paths relative
	// to it, so the clone can be moved while nothing runs.
	State string `pulumi:"state"`
}

func (c Config) path(parts ...string) string {
	return filepath.Join(append([]string{c.State}, parts...)...)
}

func (c Config) podman() podman.Podman { return podman.Podman{Folder: PodmanFolder(c.State)} }

// PodmanFolder returns the folder of podman's data in the state folder.
func PodmanFolder(state string) string { return filepath.Join(state, "podman") }

// New returns the local target's provider.
func New() (p.Provider, error) {
	provider, err := infer.NewProviderBuilder().
		WithDisplayName("escala, local").
		WithDescription("Machines, addresses and a release store on this computer").
		WithConfig(infer.Config(&Config{})).
		WithResources(
			infer.Resource(&Image{}),
			infer.Resource(&Store{}),
			infer.Resource(&Agent{}),
			infer.Resource(&Release{}),
			infer.Resource(&Pointer{}),
			infer.Resource(&Machine{}),
			infer.Resource(&Address{}),
			infer.Resource(&Authority{}),
		).
		WithModuleMap(map[tokens.ModuleName]tokens.ModuleName{"provider": "local"}).
		Build()
	if err != nil {
		return p.Provider{}, fmt.Errorf("building the local provider: %w", err)
	}
	return provider, nil
}

// Diff never replaces the provider, because that would replace all of its
// resources. If the clone has moved, the resources are at the new path.
func (*Config) Diff(context.Context, infer.DiffRequest[*Config, *Config]) (infer.DiffResponse, error) {
	return infer.DiffResponse{}, nil
}
