package workspace

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// workflow holds the parts of a GitHub workflow that these tests check.
type workflow struct {
	On          yaml.Node       `yaml:"on"`
	Permissions map[string]any  `yaml:"permissions"`
	Jobs        map[string]*job `yaml:"jobs"`
}

type job struct {
	Uses        string            `yaml:"uses"`
	Permissions map[string]string `yaml:"permissions"`
	Timeout     int               `yaml:"timeout-minutes"`
	Steps       []step            `yaml:"steps"`
}

type step struct {
	Uses string         `yaml:"uses"`
	With map[string]any `yaml:"with"`
	Run  string         `yaml:"run"`
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	root, err := Root()
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]workflow{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		var w workflow
		require.NoError(t, yaml.Unmarshal(content, &w), file)
		require.NotEmpty(t, w.Jobs, file)
		all[filepath.Base(file)] = w
	}
	return all
}

var pinned = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)

// TestActionsArePinnedByCommit checks that actions are pinned by commit: a tag can
// be moved to other code, but a commit cannot.
func TestActionsArePinnedByCommit(t *testing.T) {
	for file, w := range workflows(t) {
		for name, j := range w.Jobs {
			if j.Uses != "" {
				assert.True(t, strings.HasPrefix(j.Uses, "./") || pinned.MatchString(j.Uses), "%s, job %s: %s", file, name, j.Uses)
			}
			for _, s := range j.Steps {
				if s.Uses != "" {
					assert.Regexp(t, pinned, s.Uses, "%s, job %s", file, name)
				}
			}
		}
	}
}

// TestPinnedActionsNameTheirVersion checks that each commit has its version beside
// it, for people and for Dependabot.
func TestPinnedActionsNameTheirVersion(t *testing.T) {
	root, err := Root()
	require.NoError(t, err)
	line := regexp.MustCompile(`uses: \S+@[0-9a-f]{40}(.*)`)
	for file := range workflows(t) {
		content, err := os.ReadFile(filepath.Join(root, ".github", "workflows", file))
		require.NoError(t, err)
		for _, match := range line.FindAllStringSubmatch(string(content), -1) {
			assert.Regexp(t, `^ # v\d+\.\d+\.\d+$`, match[1], "%s: %s", file, match[0])
		}
	}
}

func TestWorkflowsMayDoNoMoreThanTheyNeed(t *testing.T) {
	for file, w := range workflows(t) {
		assert.NotNil(t, w.Permissions, "%s says which permissions it has", file)
		assert.Empty(t, w.Permissions, "%s: its jobs say what each of them needs", file)
		var events map[string]any
		if w.On.Kind == yaml.MappingNode {
			require.NoError(t, w.On.Decode(&events))
		}
		assert.NotContains(t, events, "pull_request_target", "%s: others' code would run with this repository's rights", file)
		for name, j := range w.Jobs {
			assert.NotContains(t, j.Permissions, "write-all")
			if j.Uses != "" {
				continue
			}
			assert.NotZero(t, j.Timeout, "%s, job %s has no limit of time", file, name)
			for _, s := range j.Steps {
				if strings.HasPrefix(s.Uses, "actions/checkout@") {
					assert.Equal(t, false, s.With["persist-credentials"], "%s, job %s leaves its token in the checkout", file, name)
				}
			}
		}
	}
}

// TestStepsAreShortAndTakeNothingFromOthers checks that workflow steps only call
// commands that run elsewhere too. A branch's name inside a script would run as part
// of the script.
func TestStepsAreShortAndTakeNothingFromOthers(t *testing.T) {
	for file, w := range workflows(t) {
		for name, j := range w.Jobs {
			for _, s := range j.Steps {
				assert.NotContains(t, s.Run, "${{", "%s, job %s: values come by env", file, name)
				lines := strings.Split(strings.TrimSpace(s.Run), "\n")
				if len(lines) == 1 {
					continue
				}
				for _, line := range lines {
					assert.Regexp(t, `^(make |\.ci/)`, line, "%s, job %s: longer steps are scripts in .ci/", file, name)
				}
			}
		}
	}
}
