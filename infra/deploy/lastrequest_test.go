package deploy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"escala/infra/build"
	"escala/service"
)

// TestAskACluster checks that a cluster is asked only for a release command. The
// command is not looked up in the cluster once the stack's outputs show that the
// release serves with it.
func TestAskACluster(t *testing.T) {
	const one, two = "1", "2"
	asked := func(release, digest string) map[string]any {
		return map[string]any{"asked": strings.Repeat(release, 64) + "-" + digest + " 1700000000", "release": strings.Repeat(release, 64)}
	}
	migrate := service.ReleaseCommand{Command: []string{"api", "migrate"}}
	for name, tt := range map[string]struct {
		command  service.ReleaseCommand
		outputs  map[string]any
		pinned   bool
		runs     bool // the release command is needed
		prepared bool
	}{
		"the first update":    {migrate, nil, false, true, false},
		"no command":          {service.ReleaseCommand{}, map[string]any{"release": strings.Repeat(one, 64)}, false, false, false},
		"it serves":           {migrate, asked(one, migrate.Digest()), false, true, true},
		"another release":     {migrate, asked(two, migrate.Digest()), false, true, false},
		"another command":     {migrate, asked(one, "aabbccddeeff"), false, true, false},
		"a command is new":    {migrate, map[string]any{"release": strings.Repeat(one, 64)}, false, true, false},
		"a rollback":          {migrate, asked(two, migrate.Digest()), true, false, false},
		"the rollback serves": {migrate, map[string]any{"release": strings.Repeat(one, 64)}, true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := Request{
				Spec: service.Spec{Rollout: service.Rollout{ReleaseCommand: tt.command}}, Outputs: tt.outputs,
				Release: build.Release{Release: service.Release{ID: service.ReleaseID(strings.Repeat(one, 64))}},
			}
			r.Ask(nil, tt.pinned)
			assert.Equal(t, tt.prepared, r.Prepared)
			if !tt.runs {
				assert.Empty(t, r.Command)
				assert.Zero(t, r.RequestedAt, "the stack gets no new output")
				return
			}
			assert.Equal(t, tt.command.Digest(), r.Command)
			assert.Equal(t, tt.prepared, r.RequestedAt == 1_700_000_000, "its time stays once it serves")
		})
	}
}
