// Package build compiles the release: the service's static binary. The same
// source gives the same bytes on every computer.
package build

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"escala/service"
)

// Platform is the operating system and architecture of a binary.
type Platform struct{ OS, Arch string }

// String returns the platform as containers name it: "linux/arm64".
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Release is a built program: the service, or one of escala's own.
type Release struct {
	service.Release
	// Path is absolute. The file's name is its SHA-256. Path is empty for an
	// Earlier release whose binary is no longer on this computer.
	Path string
}

// Earlier returns a release that was built before, on this computer or another.
func Earlier(state string, release service.Release) Release {
	path := filepath.Join(buildFolder(state), string(release.ID))
	if info, err := os.Stat(path); err != nil || info.Size() != release.Size {
		return Release{Release: release}
	}
	return Release{Release: release, Path: path}
}

// Service builds the clone's own service.
func Service(ctx context.Context, root, state string, platform Platform) (Release, error) {
	return Source{Root: root, Program: service.NewProgram()}.Service(ctx, state, platform)
}

// ownTags are the build tags of the clone's own programs.
const ownTags = "grpcnotrace"

// Arguments returns the arguments of the go command that builds a release of
// the clone's package pkg into the file out.
//
// -trimpath, no VCS stamp and no build id: otherwise the bytes would depend on
// the computer or the commit, not only on the source.
//
// grpcnotrace: the trace exporter uses gRPC, which would link html/template for
// a page about itself. That package calls methods by name, so the linker would
// have to keep every method of every library: 24.6 MB instead of 14.7.
func Arguments(out, pkg string) []string { return goModule{}.arguments(out, pkg) }

// goModule is a Go module that programs are built from.
type goModule struct {
	root string
	// usersModule is true for a module of the user's: its vendor folder, its go.work
	// and its build tags are its own.
	usersModule bool
}

func (m goModule) arguments(out, pkg string) []string {
	args := []string{"build", "-trimpath", "-buildvcs=false"}
	args = append(args, m.tags()...)
	return append(args, "-ldflags", "-s -w -buildid=", "-o", out, pkg)
}

func (m goModule) tags() []string {
	if m.usersModule {
		return nil
	}
	return []string{"-tags", ownTags}
}

// environment returns the environment of the go command. Values that depend on
// the computer are fixed.
func (m goModule) environment(platform Platform) []string {
	fixed := []string{"CGO_ENABLED=0", "GOOS=" + platform.OS, "GOARCH=" + platform.Arch, "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0"}
	if m.usersModule {
		fixed = append(fixed, "GOFLAGS=")
	} else {
		fixed = append(fixed, "GOFLAGS=-mod=readonly", "GOWORK=off")
	}
	return append(os.Environ(), fixed...)
}

// command returns the go command with these arguments, in the module.
func (m goModule) command(ctx context.Context, platform Platform, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = m.root, m.environment(platform)
	return cmd
}

// Program builds a program of the clone at root into the state folder. It
// changes only that folder, so that a preview may build too: without a build, a
// preview could not show the release.
func Program(ctx context.Context, root, state, pkg string, platform Platform) (Release, error) {
	return goModule{root: root}.program(ctx, state, pkg, platform)
}

func (m goModule) program(ctx context.Context, state, pkg string, platform Platform) (Release, error) {
	remembered := links{buildFolder(state)}
	// Without a key, no later build can reuse this one; go build reports the error.
	key, unknown := m.compile(ctx, pkg, platform)
	if unknown == nil {
		if linked, found := remembered.find(key); found {
			return linked, nil
		}
	}
	work, err := workFolder(state)
	if err != nil {
		return Release{}, err
	}
	defer os.RemoveAll(work)
	out := filepath.Join(work, "program")
	cmd := m.command(ctx, platform, m.arguments(out, pkg)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return Release{}, fmt.Errorf("go build %s: %w:\n%s", pkg, err, strings.TrimSpace(output.String()))
	}
	built, err := store(out, state)
	if err != nil {
		return Release{}, err
	}
	if unknown == nil {
		if err := remembered.add(key, built); err != nil {
			return Release{}, fmt.Errorf("recording the build: %w", err)
		}
	}
	return built, nil
}
