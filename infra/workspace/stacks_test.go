package workspace

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// matrix runs .ci/stacks with the given settings and returns its result and its
// notices.
func matrix(t *testing.T, env ...string) (clouds map[string]string, notices []string) {
	t.Helper()
	root, err := Root()
	require.NoError(t, err)
	output := filepath.Join(t.TempDir(), "output")
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, ".ci", "stacks"))
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "GITHUB_OUTPUT=" + output}, env...)
	said, err := cmd.Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(said)) {
		if strings.HasPrefix(line, "::notice ") {
			notices = append(notices, strings.TrimSpace(line))
		}
	}
	content, err := os.ReadFile(output)
	require.NoError(t, err)
	raw, ok := strings.CutPrefix(strings.TrimSpace(string(content)), "stacks=")
	require.True(t, ok, "%s", content)
	var include []struct{ Stack, Cloud string }
	require.NoError(t, json.Unmarshal([]byte(raw), &include))
	clouds = map[string]string{}
	for _, one := range include {
		clouds[one.Stack] = one.Cloud
	}
	return clouds, notices
}

func TestWorkflowsReachWhatIsConfigured(t *testing.T) {
	root, err := Root()
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(root, "stacks", "Pulumi.*.yaml"))
	require.NoError(t, err)

	clouds, notices := matrix(t)
	assert.Empty(t, clouds)
	assert.Len(t, notices, len(files), "each stack that is skipped says why")

	clouds, notices = matrix(t, "HAS_AWS=true", "HAS_DIGITALOCEAN=true")
	assert.Empty(t, clouds, "without a backend there is nothing")
	assert.Contains(t, strings.Join(notices, "\n"), "::notice title=aws-ec2 is skipped::not configured: the secret PULUMI_ACCESS_TOKEN")

	clouds, notices = matrix(t, "HAS_BACKEND=true", "HAS_AWS=true")
	assert.Equal(t, "aws", clouds["aws-ec2"])
	assert.NotContains(t, clouds, "do-droplet")
	assert.Contains(t, strings.Join(notices, "\n"), "::notice title=do-droplet is skipped::not configured: it needs the secrets DIGITALOCEAN_TOKEN, SPACES_ACCESS_KEY_ID")

	clouds, _ = matrix(t, "HAS_BACKEND=true", "HAS_DIGITALOCEAN=true")
	assert.Equal(t, "digitalocean", clouds["do-doks"])
	assert.NotContains(t, clouds, "do-droplet", "without keys to Spaces")

	clouds, notices = matrix(t, "HAS_BACKEND=true", "HAS_AWS=true", "HAS_DIGITALOCEAN=true", "HAS_SPACES=true")
	assert.Equal(t, "digitalocean", clouds["do-droplet"])
	assert.NotContains(t, clouds, "local")
	assert.Contains(t, strings.Join(notices, "\n"), "::notice title=local is skipped::target local runs where its machine")
	assert.Len(t, clouds, len(files)-len(notices))
}

// TestAMergeDeploysOnlyWhatIsAskedFor checks that a merge creates only requested
// stacks, because a role that can deploy one stack of a cloud can deploy all of
// them.
func TestAMergeDeploysOnlyWhatIsAskedFor(t *testing.T) {
	all := []string{"HAS_BACKEND=true", "HAS_AWS=true", "HAS_DIGITALOCEAN=true", "HAS_SPACES=true"}
	clouds, notices := matrix(t, append(all, "ONLY=aws-ec2, do-doks")...)
	assert.Equal(t, map[string]string{"aws-ec2": "aws", "do-doks": "digitalocean"}, clouds)
	assert.Contains(t, notices, "::notice title=aws-eks is skipped::not asked for: the variable DEPLOY_STACKS does not name it")
	clouds, _ = matrix(t, append(all, "ONLY=")...)
	assert.Empty(t, clouds)

	deploy := workflows(t)["deploy.yml"]
	for _, s := range deploy.Jobs["up"].Steps {
		assert.NotContains(t, s.With, "upsert", "a stack is made by a person")
	}
}
