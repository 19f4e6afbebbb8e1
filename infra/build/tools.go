package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"escala/infra/workspace"
	"escala/service"
)

// Tool is one of escala's own programs that run on machines.
type Tool struct {
	// Name is the name of the built program in a release of escala.
	Name string
	// Package is its package in a clone.
	Package string
}

// The tools.
var (
	// AgentTool is the machine's own program.
	AgentTool = Tool{"escala-agent", "./cloudinit/agent/cmd/escala-agent"}
	// ForwarderTool is the address of the local target.
	ForwarderTool = Tool{"forwarder", "./infra/targets/local/forwarder"}
	// AuthorityTool is the certificate authority of the local target.
	AuthorityTool = Tool{"authority", "./infra/targets/local/authority"}
)

// File returns the name of the tool's file in a release of escala.
func (t Tool) File(platform Platform) string {
	return fmt.Sprintf("%s_%s_%s", t.Name, platform.OS, platform.Arch)
}

// For returns the tool for a platform. It builds it from a clone, or copies the
// one of a release into the state folder.
func (t Tool) For(ctx context.Context, home workspace.Home, state string, platform Platform) (Release, error) {
	if !home.Built {
		return Program(ctx, home.Folder, state, t.Package, platform)
	}
	path := filepath.Join(home.Folder, workspace.ProgramsFolder, t.File(platform))
	b, err := keep(path, state)
	if err != nil {
		return Release{}, fmt.Errorf("taking %s from the release of escala: %w", t.File(platform), err)
	}
	return b, nil
}

// keep copies a built program into the state folder, under its SHA-256.
func keep(path, state string) (Release, error) {
	folder := filepath.Join(state, "build")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return Release{}, fmt.Errorf("making the build folder: %w", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return Release{}, err
	}
	kept := Release{Release: service.ReleaseOf(content)}
	kept.Path = filepath.Join(folder, string(kept.ID))
	if info, err := os.Stat(kept.Path); err == nil && info.Size() == kept.Size {
		// The new time marks the binary as in use: prune removes the oldest.
		now := time.Now()
		return kept, os.Chtimes(kept.Path, now, now)
	}
	work, err := os.MkdirTemp(folder, ".build-")
	if err != nil {
		return Release{}, fmt.Errorf("making the build folder: %w", err)
	}
	defer os.RemoveAll(work)
	part := filepath.Join(work, "program")
	if err := os.WriteFile(part, content, 0o755); err != nil {
		return Release{}, fmt.Errorf("keeping %s: %w", path, err)
	}
	if err := os.Rename(part, kept.Path); err != nil {
		return Release{}, fmt.Errorf("keeping %s: %w", path, err)
	}
	return kept, prune(folder)
}
