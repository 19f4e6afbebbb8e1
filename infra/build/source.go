package build

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"escala/infra/workspace"
	"escala/service"
)

// Source is where a service's program comes from.
type Source struct {
	// Root is the absolute path of the stack's project. Program's paths are
	// relative to it.
	Root    string
	Program service.Program
	// Name is the file name of a built program in a release of several files.
	Name string
	// Commands are the description's other commands, without the one that serves.
	Commands []Command
}

// Command is a command of the description, and its key.
type Command struct {
	Key       string
	Arguments []string
}

// SourceOf returns the source of a description's program. root is the absolute
// path of the stack's project.
func SourceOf(root string, spec service.Spec) Source {
	s := Source{Root: root, Program: spec.Program, Name: spec.Name}
	if spec.ReleaseCommand.Set() {
		s.Commands = append(s.Commands, Command{"release.command", spec.ReleaseCommand.Command})
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Processes)) {
		s.Commands = append(s.Commands, Command{"processes." + name + ".command", spec.Processes[name].Command})
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Schedule)) {
		s.Commands = append(s.Commands, Command{"schedule." + name + ".command", spec.Schedule[name].Command})
	}
	return s
}

// module returns the Go module of the source.
func (s Source) module() goModule {
	folder := s.path(s.Program.Source)
	return goModule{root: folder, usersModule: !workspace.IsClone(folder)}
}

func (s Source) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.Root, name)
}

// build builds the program, or takes one that exists. A folder has none.
func (s Source) build(ctx context.Context, state string, platform Platform) (Release, error) {
	switch {
	case s.Program.Folder != "":
		return Release{}, nil
	case s.Program.Binary != "":
		return storeCopy(s.path(s.Program.BinaryFor(platform.Arch)), state)
	default:
		return s.module().program(ctx, state, s.Program.Package, platform)
	}
}

// Service builds the service for a platform, or returns the binary that exists.
func (s Source) Service(ctx context.Context, state string, platform Platform) (Release, error) {
	b, err := s.build(ctx, state, platform)
	if err != nil {
		return Release{}, fmt.Errorf("building the service for %s: %w", platform, err)
	}
	if s.Program.Folder != "" || len(s.Program.Files) > 0 {
		if b, err = s.archive(state, b.Path); err != nil {
			return Release{}, err
		}
	}
	return b, nil
}
