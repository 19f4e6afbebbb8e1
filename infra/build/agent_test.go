package build

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/workspace"
)

// agentLimit is the largest size of the agent's binary, in bytes. A machine
// downloads it before it serves, and the binary stays in memory.
const agentLimit = 10_000_000

func TestTheAgentIsSmallAndTheSameEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the agent")
	}
	root, err := workspace.Root()
	require.NoError(t, err)
	var built [2]Release
	for i := range built {
		built[i], err = AgentTool.For(t.Context(), workspace.Home{Folder: root}, t.TempDir(), Platform{OS: "linux", Arch: runtime.GOARCH})
		require.NoError(t, err)
	}
	assert.Equal(t, built[0].ID, built[1].ID)
	assert.LessOrEqual(t, built[0].Size, int64(agentLimit), "the linker keeps what is never called if anything calls methods by their names")
	t.Logf("%d bytes", built[0].Size)
}
