package workspace

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestProjectIsTheOneOfPulumiYAML(t *testing.T) {
	t.Parallel()
	root, err := Root()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
	require.NoError(t, err)
	var project struct{ Name, Main string }
	require.NoError(t, yaml.Unmarshal(text, &project))
	assert.Equal(t, project.Name, Project)
	assert.Equal(t, project.Main, Main)
}
