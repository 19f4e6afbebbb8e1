package clouds

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/workspace"
)

// The table matches the SDK's version, has exactly the types that targets
// register, and no property that the SDK lacks.
func TestEveryTypeHasItsReplacements(t *testing.T) {
	root, err := workspace.Root()
	require.NoError(t, err)
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	table := read(awsReplaces)
	version := regexp.MustCompile(`pulumi-aws/sdk/v6 v(\S+)`).FindSubmatch(mod)
	require.NotNil(t, version)
	assert.Equal(t, string(version[1]), table.Version, "see replaces.go for the command that writes the table anew")

	types := AWS(nil).Types()
	for token, kind := range types {
		properties, ok := table.Replaces[token]
		require.True(t, ok, "%s has no entry", token)
		assert.True(t, slices.IsSorted(properties), token)
		for _, path := range kind.Replaces {
			assert.True(t, offline.HasProperty(kind.Args, path), "%s has no property %s", token, path)
		}
	}
	for token := range table.Replaces {
		assert.Contains(t, types, token, "no target registers it")
	}
	assert.Contains(t, types["aws:eks/cluster:Cluster"].Replaces, "computeConfig.nodeRoleArn")
	for token := range byDifference {
		assert.True(t, strings.HasPrefix(token, table.Package+":"))
	}
}
