package origin

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOfARepository(t *testing.T) {
	for _, name := range []string{"CI", "GITHUB_ACTIONS", "GITLAB_CI", "TRAVIS", "CIRCLECI"} {
		t.Setenv(name, "")
	}
	root := t.TempDir()
	assert.Empty(t, Of(t.Context(), root).Commit, "it is no repository")
	for _, args := range [][]string{
		{"init", "-q"},
		{"-c", "user.name=Ana", "-c", "user.email=ana@example.com", "commit", "-q", "--allow-empty", "-m", "a title\n\nand a body"},
	} {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", root}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("GITHUB_RUN_ID", "42")
	o := Of(t.Context(), root)
	assert.Len(t, o.Commit, 40)
	assert.Equal(t, "a title", o.Title)
	assert.False(t, o.Dirty)
	assert.Equal(t, "Ana, GitHub Actions 42", o.Who())
	read := From(o.Environment())
	o.Title = ""
	assert.Equal(t, o, read)
}

func TestWho(t *testing.T) {
	assert.Empty(t, Origin{}.Who())
	assert.Equal(t, "Ana", Origin{Author: "Ana"}.Who())
	assert.Equal(t, "GitHub Actions 1", Origin{CI: "GitHub Actions", Run: "1"}.Who())
}
