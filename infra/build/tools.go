package build

import (
	"context"
	"fmt"
	"path/filepath"

	"escala/infra/workspace"
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
	// ForwarderTool is the program behind the address of the local target.
	ForwarderTool = Tool{"forwarder", "./infra/targets/local/forwarder"}
	// AuthorityTool is the certificate authority of the local target.
	AuthorityTool = Tool{"authority", "./infra/targets/local/authority"}
)

// File returns the name of the tool's file in a release of escala.
func (t Tool) File(platform Platform) string {
	return fmt.Sprintf("%s_%s_%s", t.Name, platform.OS, platform.Arch)
}

// For returns the tool for a platform, in the state folder. It builds the tool from
// a clone, or copies that of a release.
func (t Tool) For(ctx context.Context, home workspace.Home, state string, platform Platform) (Release, error) {
	if !home.Built {
		return Program(ctx, home.Folder, state, t.Package, platform)
	}
	path := filepath.Join(home.Folder, workspace.ProgramsFolder, t.File(platform))
	b, err := storeCopy(path, state)
	if err != nil {
		return Release{}, fmt.Errorf("taking %s from the release of escala: %w", t.File(platform), err)
	}
	return b, nil
}
