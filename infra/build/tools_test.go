package build

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/workspace"
	"escala/service"
)

func TestAReleaseOfEscalaHasItsToolsBuilt(t *testing.T) {
	folder := t.TempDir()
	programs := filepath.Join(folder, workspace.ProgramsFolder)
	require.NoError(t, os.MkdirAll(programs, 0o755))
	arm := Platform{OS: "linux", Arch: "arm64"}
	require.NoError(t, os.WriteFile(filepath.Join(programs, "escala-agent_linux_arm64"), []byte("agent"), 0o600))
	home := workspace.Home{Folder: folder, Built: true}
	state := t.TempDir()
	agent, err := AgentTool.For(t.Context(), home, state, arm)
	require.NoError(t, err)
	assert.Equal(t, Release{
		Release: service.Release{ID: "d4f0bc5a29de06b510f9aa428f1eedba926012b591fef7a518e776a7c9bd1824", Size: 5},
		Path:    filepath.Join(state, "build", "d4f0bc5a29de06b510f9aa428f1eedba926012b591fef7a518e776a7c9bd1824"),
	}, agent)
	assert.FileExists(t, agent.Path)
	again, err := AgentTool.For(t.Context(), home, state, arm)
	require.NoError(t, err)
	assert.Equal(t, agent, again)

	_, err = ForwarderTool.For(t.Context(), home, state, arm)
	require.ErrorContains(t, err, "taking forwarder_linux_arm64 from the release of escala")
}

// TestAReleasesToolsAreBuiltWithTheSameFlags checks that the programs in a release
// of escala are those that a clone builds, with the same SHA-256: otherwise each
// machine would be replaced.
func TestAReleasesToolsAreBuiltWithTheSameFlags(t *testing.T) {
	root, err := workspace.Root()
	require.NoError(t, err)
	script, err := os.ReadFile(filepath.Join(root, ".ci", "programs"))
	require.NoError(t, err)
	args := Arguments("OUT", "PACKAGE")
	i := slices.Index(args, "-ldflags")
	line := "go " + strings.Join(args[:i], " ") + ` -ldflags "` + args[i+1] + `" \`
	assert.Contains(t, string(script), line)
	for _, tool := range []Tool{AgentTool, ForwarderTool, AuthorityTool} {
		assert.Contains(t, string(script), tool.Name+":"+tool.Package)
	}
}
