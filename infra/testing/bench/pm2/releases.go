package pm2

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"escala/infra/build"
	"escala/infra/workspace"
	"escala/service"
)

// Releases holds the programs that the stacks run.
type Releases struct {
	// Services are two releases of one service, so that a roll from one to the
	// other and back is possible without any other build.
	Services [2]build.Release
	// Agent is the release agent.
	Agent build.Release
}

// BuildReleases builds the service of the clone at root as it is deployed. The
// second release has one more byte at the end of the program, so it is another
// release of the same program.
func BuildReleases(ctx context.Context, root, state string) (Releases, error) {
	platform := build.Platform{OS: "linux", Arch: runtime.GOARCH}
	agent, err := build.AgentTool.For(ctx, workspace.Home{Folder: root}, state, platform)
	if err != nil {
		return Releases{}, err
	}
	one, err := build.Service(ctx, root, state, platform)
	if err != nil {
		return Releases{}, err
	}
	content, err := os.ReadFile(one.Path)
	if err != nil {
		return Releases{}, fmt.Errorf("reading the release: %w", err)
	}
	content = append(content, '\n')
	two := build.Release{Release: service.ReleaseOf(content)}
	two.Path = filepath.Join(state, "build", string(two.ID))
	if err := os.WriteFile(two.Path, content, 0o755); err != nil {
		return Releases{}, fmt.Errorf("writing a second release: %w", err)
	}
	return Releases{Services: [2]build.Release{one, two}, Agent: agent}, nil
}
