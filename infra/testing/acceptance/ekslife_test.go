package acceptance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/cloudfake"
	"escala/infra/testing/fakecluster"
)

const entryType = "aws:eks/accessEntry:AccessEntry"

// somebodyElse is a principal without access of its own.
const somebodyElse = "arn:aws:iam::123456789012:role/somebody-else"

// TestKubernetesVersions checks that the stack can raise the version, and that
// an automatic upgrade by Amazon does not block it.
func TestKubernetesVersions(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	m := openManaged(t, eksIn(account))
	m.mustUp()
	name := text(m.existingOf(eks.cluster)[0], "name")
	assert.Equal(t, "1.36", account.RunningVersion(name), "a new cluster")

	m.describe("    version: \"1.37\"\n")
	before := m.mark()
	m.mustUp()
	assert.Equal(t, []string{"update " + eks.cluster + " api-cluster"}, m.since(before))
	assert.Equal(t, "1.37", account.RunningVersion(name))

	m.describe("    version: \"1.39\"\n")
	before = m.mark()
	_, err := m.up()
	require.Error(t, err)
	assert.Contains(t, m.log.String(), `eks.version: "1.39" is 2 steps from 1.37, which the cluster runs; raise it by one at a time`)
	assert.Empty(t, m.since(before))

	// Amazon raises the version to one that this program does not know.
	account.RaiseVersion("1.38")
	for _, section := range []string{"", "    version: \"1.37\"\n", "    version: \"1.38\"\n"} {
		m.describe(section)
		before = m.mark()
		m.release("after " + section)
		m.mustUp()
		assert.Equal(t, []string{"update " + deploymentType + " api-deployment"}, m.since(before), "a release goes on: %q", section)
	}
	m.describe("    version: \"1.37\"\n")
	m.mustUp()
	assert.Contains(t, m.log.String(), `eks.version is "1.37", but the cluster runs 1.38`)
	assert.Zero(t, account.Occurrences("version-goes-one-step"))
	_, err = m.refresh()
	require.NoError(t, err)
	assert.Positive(t, account.Occurrences("version-is-raised"))
	before = m.mark()
	m.mustUp()
	assert.Empty(t, m.since(before))
}

// TestPreviewBySomeoneElse checks that another user's preview shows the
// deployer's update, and that a read-only role can check for drift.
func TestPreviewBySomeoneElse(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	m := openManaged(t, eksIn(account))
	m.describe("    viewers: [\"arn:aws:iam::123456789012:role/reader\"]\n")
	m.mustUp()
	account.CallAs(somebodyElse)
	plan, err := m.preview()
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"same": plan.Changes["same"]}, plan.Changes, "nobody is let in or out")

	_, err = m.refresh()
	require.Error(t, err, "who is not let in sees nothing of the cluster")
	assert.Positive(t, account.Occurrences("reader-is-refused"))
	account.CallAs("arn:aws:iam::123456789012:role/reader")
	m.refreshesClean()
	assert.True(t, account.Admitted("arn:aws:iam::123456789012:role/reader", "AmazonEKSAdminViewPolicy"))
	assert.False(t, account.Admitted("arn:aws:iam::123456789012:role/reader", "AmazonEKSClusterAdminPolicy"))

	// A principal that is neither the deployer nor an administrator gets an
	// error.
	m.describe("    deployer: \"" + text(account.OfType(entryType)[0], "principalArn") + "\"\n")
	account.CallAs(somebodyElse)
	before := m.mark()
	_, err = m.up()
	require.Error(t, err)
	assert.Contains(t, m.log.String(), somebodyElse+" updates the stack: add it to eks.admins")
	assert.Empty(t, m.since(before))
}

// TestLoadBalancerTagIsRemoved checks that the cluster's role may remove a tag.
func TestLoadBalancerTagIsRemoved(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	m := openManaged(t, eksIn(account))
	m.describe("    tags: {team: shop}\n")
	m.mustUp()
	m.describe("")
	m.mustUp()
	assert.Positive(t, account.Occurrences("tags-need-rights"))
	assert.Empty(t, account.RefusedTags())
}

// TestDestroyBySomeoneElse checks that an administrator in the settings
// destroys in one run. Any other principal fails and then gets access as
// docs/aws-eks.md describes.
func TestDestroyBySomeoneElse(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	m := openManaged(t, eksIn(account))
	m.describe("    admins: [\"" + somebodyElse + "\"]\n")
	m.mustUp()
	account.CallAs("arn:aws:iam::123456789012:role/stranger")
	require.Error(t, m.destroy())
	assert.Contains(t, m.log.String(), "configured Kubernetes cluster is unreachable")
	assert.NotEmpty(t, account.OfType(eks.cluster), "the cluster stays, and with it what deletes the load balancer")
	account.CallAs(somebodyElse)
	require.NoError(t, m.destroy())
	assert.Empty(t, account.All())
	assert.Zero(t, account.Occurrences("load-balancer-holds-the-network"))
	assert.Zero(t, account.Occurrences("network-in-use"))

	again := m.mustUp()
	_, release := answeredBy(t, again["url"])
	assert.NotEmpty(t, release)
	assert.True(t, strings.HasPrefix(text(m.existingOf(eks.cluster)[0], "name"), "escala-aws-eks-api-"))
}

// TestEKSConfigurationIsTakenBack checks that a configuration can be reverted
// after its update failed.
func TestEKSConfigurationIsTakenBack(t *testing.T) {
	t.Parallel()
	m := openManaged(t, eksIn(cloudfake.NewAWS()))
	const before = "  escala:service:\n    env:\n      GREETING: first\n"
	m.describe("", before)
	first := m.mustUp()
	m.cluster.Fails = func(string) fakecluster.Trouble {
		return fakecluster.Trouble{Ended: "Error", ExitCode: 2, Restarts: 3}
	}
	m.describe("", "  escala:service:\n    env:\n      GREETING: second\n")
	_, err := m.up()
	require.Error(t, err)
	m.cluster.Fails = nil
	m.describe("", before)
	assert.Equal(t, first["release"], m.mustUp()["release"])
	m.refreshesClean()
}

// TestEKSReleaseIsTakenBack checks that the source of a failed release can be
// reverted.
func TestEKSReleaseIsTakenBack(t *testing.T) {
	t.Parallel()
	m := openManaged(t, eksIn(cloudfake.NewAWS()))
	first := m.mustUp()
	_, served := answeredBy(t, first["url"])
	m.cluster.Trouble = func(image string) fakecluster.Trouble {
		if strings.HasSuffix(image, first["release"].(string)) {
			return fakecluster.Trouble{}
		}
		return fakecluster.Trouble{Waiting: "ErrImageNeverPull", Message: "no such image"}
	}
	m.release("bad")
	_, err := m.up()
	require.Error(t, err)
	before := m.mark()
	m.release("first")
	reverted := m.mustUp()
	assert.Equal(t, first["releases"], reverted["releases"])
	assert.Equal(t, []string{"update " + deploymentType + " api-deployment"}, m.since(before))
	_, now := answeredBy(t, reverted["url"])
	assert.Equal(t, served, now)
	m.refreshesClean()
}

// TestEKSServiceIsRenamed checks that the renamed service is a new one beside
// the old one, which is deleted after the new one serves.
func TestEKSServiceIsRenamed(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	m := openManaged(t, eksIn(account))
	m.mustUp()
	m.rename(t, "shop")
	m.describe("", "  escala:service:\n    name: shop\n")
	answeredBy(t, m.mustUp()["url"])
	for _, e := range append(account.All(), m.inside.Existing()...) {
		assert.True(t, strings.HasPrefix(e.Name, "shop-"), e.String())
	}
	m.refreshesClean()
	require.NoError(t, m.destroy())
	assert.Zero(t, account.Occurrences("network-in-use"))
}
