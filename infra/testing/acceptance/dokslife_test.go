package acceptance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/cloudfake"
	"escala/infra/testing/fakecluster"
)

// openDOKS opens the stack do-doks in an account that may be shared.
func openDOKS(t *testing.T, account *cloudfake.DigitalOcean) *managedStack {
	t.Helper()
	c := doks
	c.record, c.wrapEffect = account.Provider, account.Effect
	return openManaged(t, c)
}

// TestDOKSLife checks the life of a stack in an account that behaves like
// DigitalOcean, on a cluster whose pods need a login for their image
// ("pull-needs-login").
func TestDOKSLife(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	account.DefaultVPC("fra1")
	m := openDOKS(t, account)
	const section = "    cidr: 10.40.0.0/20\n"
	m.describe(section)
	first := m.mustUp()
	m.unchanged("right after the first update")
	m.release("second")
	second := m.mustUp()
	m.unchanged("right after a release")

	// A change of the configuration fails and is reverted.
	m.cluster.Fails = func(string) fakecluster.Trouble {
		return fakecluster.Trouble{Ended: "Error", ExitCode: 2, Restarts: 3}
	}
	m.describe(section, "  escala:service:\n    env:\n      GREETING: hello\n")
	_, err := m.up()
	require.Error(t, err)
	m.cluster.Fails = nil
	m.describe(section)
	assert.Equal(t, second["release"], m.mustUp()["release"])
	assert.NotEqual(t, first["release"], second["release"])

	// The renamed service gets a cluster of its own beside the old one. Both use the
	// account's only registry and the only VPC of the range.
	m.rename(t, "web")
	m.describe(section, "  escala:service:\n    name: web\n")
	answeredBy(t, m.mustUp()["url"])
	assert.Len(t, account.OfType(doks.cluster), 1, "the old one is gone")
	assert.Zero(t, account.Occurrences("one-registry"))
	assert.Zero(t, account.Occurrences("vpc-ranges-overlap"))
	m.unchanged("after the service was renamed")

	// Another user, with another token, sees no change and destroys the stack.
	m.forgetBuilds()
	plan, err := m.preview()
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"same": plan.Changes["same"]}, plan.Changes)
	require.NoError(t, m.destroy(), "in one go")
	assert.Zero(t, account.Occurrences("vpc-members-leave-late"), "the VPC's deletion is patient")
	assert.Zero(t, m.cluster.Occurrences("pull-needs-login"))
	assert.Empty(t, account.All())
	assert.Empty(t, m.inside.Existing())
}

// TestDOKSLifeInANewAccount checks that no resource is left that could not be
// deleted.
func TestDOKSLifeInANewAccount(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	m := openDOKS(t, account)
	m.mustUp()
	m.unchanged("right after the first update")
	require.NoError(t, m.destroy(), "in one go")
	assert.Empty(t, account.All())
}

// TestDOKSSecondClone checks that a second clone with the same names fails in the
// same account, which has only one registry ("one-registry"), and works with an
// existing image.
func TestDOKSSecondClone(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	one, two := openDOKS(t, account), openDOKS(t, account)
	one.mustUp()
	_, err := two.up()
	require.Error(t, err)
	assert.Contains(t, two.log.String(), "registry limit exceeded")
	assert.NotZero(t, account.Occurrences("one-registry"))
	require.NoError(t, two.destroy())

	image := two.registry + "/elsewhere/api@sha256:" + strings.Repeat("ab", 32)
	two.cluster.Private = ""
	two.cluster.Pull = func(string) (string, error) { return "", nil }
	two.describe("    image: " + image + "\n")
	two.mustUp()
	assert.Zero(t, account.Occurrences("cluster-name-taken"))
	require.NoError(t, one.destroy())
	assert.Len(t, account.OfType(doks.cluster), 1)
	two.unchanged("after the other clone was destroyed")
	require.NoError(t, two.destroy())
	assert.Empty(t, account.All())
}
