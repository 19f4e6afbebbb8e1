package acceptance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit"
)

// changes returns the operations on the cloud since event n.
func (s *stack) changes(n int) []string {
	var all []string
	for _, e := range s.cloudProvider.Events()[n:] {
		all = append(all, e.String())
	}
	return all
}

// answeredBy returns the machine and release that answer at the stack's
// address.
func answeredBy(t *testing.T, url any) (machine, release string) {
	t.Helper()
	resp, err := http.Get(url.(string) + "/health")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return resp.Header.Get("X-Machine"), resp.Header.Get("X-Release")
}

// TestLifecycle checks a stack's whole life. Each step begins with the state of the
// previous one.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, c cloud) {
		s := open(t, c)

		plan, err := s.preview()
		require.NoError(t, err)
		assert.NotZero(t, plan.Changes["create"])
		assert.Empty(t, s.cloudProvider.Events(), "a preview changes nothing")

		first := s.mustUp()
		assert.Equal(t, c.stack, first["target"])
		machine, release := answeredBy(t, first["url"])
		assert.Equal(t, first["release"], release)
		assert.Equal(t, []any{release}, first["releases"])
		assert.Contains(t, s.world.stored(), "releases/"+release)
		order(t, s.world.since(0), "put releases/"+release, "put current", "move to "+machine)

		before := len(s.cloudProvider.Events())
		plan, err = s.preview()
		require.NoError(t, err)
		assert.Len(t, plan.Changes, 1, "nothing is to be done: %v", plan.Changes)
		assert.Equal(t, first, s.mustUp())
		assert.Empty(t, s.changes(before), "an update without a change asks for nothing")

		refreshed, err := s.refresh()
		require.NoError(t, err)
		assert.NotContains(t, refreshed.Changes, "update")
		assert.Equal(t, first, s.mustUp())
		assert.Empty(t, s.changes(before))

		// A new release reaches the existing machine.
		s.release("second")
		second := s.mustUp()
		require.NotEqual(t, first["release"], second["release"])
		assert.Equal(t, []any{second["release"], first["release"]}, second["releases"])
		now, release := answeredBy(t, second["url"])
		assert.Equal(t, machine, now)
		assert.Equal(t, second["release"], release)
		assert.ElementsMatch(t, []string{
			"create " + c.object + " api-release-" + release[:12],
			"update " + c.object + " api-current",
		}, s.changes(before))
		assert.Contains(t, s.world.stored(), "releases/"+first["release"].(string), "the release before stays, to go back to")
		s.refreshesClean()

		// A changed description replaces the machine.
		mark := s.world.mark()
		s.configure("  escala:service:\n    env:\n      GREETING: hello\n")
		third := s.mustUp()
		assert.Equal(t, second["url"], third["url"], "the address stays")
		next, release := answeredBy(t, third["url"])
		assert.NotEqual(t, machine, next)
		assert.Equal(t, second["release"], release)
		assert.Equal(t, []string{"boot " + next, "move to " + next, "terminate " + machine}, s.world.since(mark))
		assert.Len(t, s.existingOf(c.machine), 1)
		assert.Len(t, s.existingOf(c.association), 1)
		if s.world.aws != nil {
			assert.Positive(t, s.world.aws.Occurrences("move-frees-the-own-address"))
		}

		require.NoError(t, s.destroy())
		assert.Empty(t, s.world.machines)
		for _, e := range s.cloudProvider.Existing() {
			assert.Equal(t, c.object, e.Type, "only releases are left to the bucket, which goes with all that is in it: %s", e)
		}
	})
}

// order checks that entries of a journal appear in the given order.
func order(t *testing.T, journal []string, entries ...string) {
	t.Helper()
	at := 0
	for _, one := range journal {
		if at < len(entries) && one == entries[at] {
			at++
		}
	}
	require.Equal(t, len(entries), at, "%q stand in this order in:\n%s", entries, strings.Join(journal, "\n"))
}

// TestMachineThatIsNeverHealthy checks that such a machine never gets the
// address and is deleted by the next update.
func TestMachineThatIsNeverHealthy(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, c cloud) {
		s := open(t, c)
		first := s.mustUp()
		machine, _ := answeredBy(t, first["url"])

		s.world.broken = func(userData string) string {
			if strings.Contains(userData, "DATABASE") {
				return "worker 0 does not come up: no database"
			}
			return ""
		}
		mark := s.world.mark()
		s.configure("  escala:service:\n    env:\n      DATABASE: nowhere\n")
		_, err := s.up()
		require.Error(t, err)
		assert.Contains(t, s.log.String(), "worker 0 does not come up: no database", "the update says why")
		assert.Contains(t, s.log.String(), cloudinit.AgentPath+" diagnose", "and how to find out more")
		journal := s.world.since(mark)
		require.Len(t, journal, 1, "a machine is made, and that is all: %v", journal)
		still, _ := answeredBy(t, first["url"])
		assert.Equal(t, machine, still, "the old machine serves on")
		assert.Equal(t, first["releases"], s.outputs()["releases"], "the outputs stay")

		s.configure("  escala:service:\n    env:\n      GREETING: hello\n")
		mended := s.mustUp()
		next, _ := answeredBy(t, mended["url"])
		assert.NotEqual(t, machine, next)
		assert.Len(t, s.existingOf(c.machine), 1, "both the old machine and the one that never came up are gone")
		assert.Len(t, s.world.machines, 1)
		assert.Equal(t, next, s.world.addressTarget())
	})
}

// TestRefusedRelease checks that a refused release fails the update with the
// machine's reason while the previous one serves, and that a rollback never
// selects it.
func TestRefusedRelease(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, c cloud) {
		s := open(t, c)
		first := s.mustUp()
		s.release("bad")
		plan, err := s.preview()
		require.NoError(t, err)
		assert.Equal(t, 1, plan.Changes["create"])
		s.refuseNext("it exits at start with status 3")
		_, err = s.up()
		require.Error(t, err)
		assert.Contains(t, s.log.String(), "it exits at start with status 3")
		assert.Contains(t, s.log.String(), "which served before, still does, on 2 of 2 workers")
		_, release := answeredBy(t, first["url"])
		assert.Equal(t, first["release"], release)
		assert.Equal(t, first["releases"], s.outputs()["releases"])

		s.release("first")
		again := s.mustUp()
		assert.Equal(t, first["release"], again["release"])
	})
}

// TestRollback checks that a rollback needs only the release's id, even if its
// binary is no longer on this computer.
func TestRollback(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, c cloud) {
		s := open(t, c)
		first := s.mustUp()
		s.release("second")
		second := s.mustUp()
		machine, _ := answeredBy(t, second["url"])

		s.configure("  escala:release: \"0123456789ab\"\n")
		_, err := s.up()
		require.Error(t, err)
		assert.Contains(t, s.log.String(), "is not a release that the stack can go back to; these are: "+second["release"].(string)[:12])

		before := len(s.cloudProvider.Events())
		s.configure("  escala:release: \"" + first["release"].(string)[:12] + "\"\n")
		back := s.mustUp()
		assert.Equal(t, first["release"], back["release"])
		assert.Contains(t, s.log.String(), "release "+first["release"].(string)[:12]+" is pinned by escala:release")
		assert.Equal(t, []any{first["release"], second["release"]}, back["releases"])
		now, release := answeredBy(t, back["url"])
		assert.Equal(t, machine, now, "a rollback is no new machine")
		assert.Equal(t, first["release"], release)
		assert.Contains(t, s.changes(before), "update "+c.object+" api-current")

		s.forgetBuilds()
		before = len(s.cloudProvider.Events())
		s.configure("  escala:release: \"" + second["release"].(string) + "\"\n")
		forth := s.mustUp()
		assert.Equal(t, second["release"], forth["release"])
		_, release = answeredBy(t, forth["url"])
		assert.Equal(t, second["release"], release)
		assert.Equal(t, []string{"update " + c.object + " api-current"}, s.changes(before), "the store still has the binary")

		s.configure("")
		assert.Equal(t, second["release"], s.mustUp()["release"], "without a pin, what the source makes")
		assert.NotContains(t, s.log.String(), "pinned")
	})
}
