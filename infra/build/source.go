package build

import (
	"context"
	"fmt"
	"path/filepath"

	"escala/infra/workspace"
	"escala/service"
)

// Source is where a service's program comes from.
type Source struct {
	// Root is the absolute path of the stack's project. Program's paths are
	// relative to it.
	Root    string
	Program service.Program
}

// module returns the Go module of the source.
func (s Source) module() goModule {
	folder := s.path(s.Program.Source)
	return goModule{root: folder, foreign: !workspace.IsClone(folder)}
}

func (s Source) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.Root, name)
}

// Service builds the service for a platform, or takes the binary that exists.
func (s Source) Service(ctx context.Context, state string, platform Platform) (Release, error) {
	var b Release
	var err error
	if s.Program.Binary != "" {
		if b, err = keep(s.path(s.Program.BinaryFor(platform.Arch)), state); err != nil {
			return Release{}, fmt.Errorf("taking the service for %s: %w", platform, err)
		}
	} else if b, err = s.module().program(ctx, state, s.Program.Package, platform); err != nil {
		return Release{}, fmt.Errorf("building the service for %s: %w", platform, err)
	}
	return b, nil
}
