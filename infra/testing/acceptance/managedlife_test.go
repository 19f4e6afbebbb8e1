package acceptance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline/clouds"
	"escala/infra/testing/cloudfake"
	"escala/infra/testing/fakecluster"
)

const (
	namespaceType = "kubernetes:core/v1:Namespace"
	ingressType   = "kubernetes:networking.k8s.io/v1:Ingress "
	releaseType   = "kubernetes:helm.sh/v3:Release"
)

// TestManagedLifecycle checks the whole life of a stack that creates its cluster.
// Each step begins with the state of the previous one.
func TestManagedLifecycle(t *testing.T) {
	t.Parallel()
	everyManaged(t, func(t *testing.T, c managed) {
		m := openManaged(t, c)
		// EKS learns of a new access entry only after a delay.
		m.slow = 3
		plan, err := m.preview()
		require.NoError(t, err)
		assert.NotZero(t, plan.Changes["create"])
		assert.Empty(t, m.since(0), "a preview changes nothing")
		assert.Zero(t, m.pushes(), "nor does it push")

		first := m.mustUp()
		if m.aws != nil {
			assert.Positive(t, m.aws.Occurrences("access-is-eventual"))
			assert.Zero(t, m.aws.Occurrences("addon-waits-for-nodes"), "the add-on comes when there are nodes")
		}
		assert.Equal(t, c.stack, first["target"])
		assert.Equal(t, m.cluster.URL(), first["url"])
		assert.Equal(t, []any{first["release"]}, first["releases"])
		_, served := answeredBy(t, first["url"])
		assert.NotEmpty(t, served)
		for _, secret := range []string{clouds.RecordedToken, account, "recorded-login"} {
			assert.NotContains(t, m.log.String(), secret)
			m.requireNotInState(secret)
		}

		before, pushes := m.mark(), m.pushes()
		assert.NotZero(t, pushes)
		plan, err = m.preview()
		require.NoError(t, err)
		assert.Len(t, plan.Changes, 1, "nothing is to be done: %v", plan.Changes)
		assert.Equal(t, first, m.mustUp())
		assert.Empty(t, m.since(before), "an update without a change asks for nothing")
		assert.Equal(t, pushes, m.pushes(), "and pushes nothing")

		refreshed, err := m.refresh()
		require.NoError(t, err)
		assert.NotContains(t, refreshed.Changes, "update")
		assert.Equal(t, first, m.mustUp())
		assert.Empty(t, m.since(before))

		m.release("second")
		second := m.mustUp()
		require.NotEqual(t, first["release"], second["release"])
		assert.Equal(t, []string{"update " + deploymentType + " api-deployment"}, m.since(before), "a release touches neither cloud nor nodes")
		m.refreshesClean()
		_, now := answeredBy(t, second["url"])
		assert.NotEqual(t, served, now)

		m.cluster.Trouble = func(image string) fakecluster.Trouble {
			if strings.HasSuffix(image, second["release"].(string)) {
				return fakecluster.Trouble{}
			}
			return fakecluster.Trouble{Unschedulable: "0/2 nodes are available: 2 Insufficient memory."}
		}
		m.release("bad")
		_, err = m.up()
		require.Error(t, err)
		assert.Contains(t, m.log.String(), "0/2 nodes are available: 2 Insufficient memory.")
		_, still := answeredBy(t, first["url"])
		assert.Equal(t, now, still, "the release before serves on")
		assert.Equal(t, second["releases"], m.outputs()["releases"])

		m.cluster.Trouble = func(string) fakecluster.Trouble { return fakecluster.Trouble{} }
		before = m.mark()
		require.NoError(t, m.destroy())
		assert.Empty(t, m.cloudProvider.Existing())
		assert.Empty(t, m.inside.Existing())
		// The Ingress keeps the namespace alive as long as there is a load
		// balancer. Until the namespace is deleted, all resources that the load
		// balancer needs must stay.
		inOrder(t, m.since(before), "delete", ingressType, namespaceType+" api-namespace", c.cluster)
	})
}

// TestEKSGoesInOrder checks that the resources that the cluster needs for its
// cleanup outlive it.
func TestEKSGoesInOrder(t *testing.T) {
	t.Parallel()
	m := openManaged(t, eks)
	m.mustUp()
	made := m.since(0)
	for _, needed := range []string{
		"aws:iam/rolePolicyAttachment:", "aws:iam/rolePolicy:", "aws:cloudwatch/logGroup:", "aws:kms/key:",
		"aws:ec2/route:", "aws:ec2/routeTableAssociation:", "aws:ec2/natGateway:", "aws:ec2/vpcEndpoint:",
	} {
		inOrder(t, made, "create", needed, eks.cluster)
	}
	inOrder(t, made, "create", eks.cluster, "aws:eks/accessEntry:", "aws:eks/accessPolicyAssociation:", "kubernetes:eks.amazonaws.com/v1:IngressClassParams", "kubernetes:networking.k8s.io/v1:IngressClass ", namespaceType)
	inOrder(t, made, "create", configMapType+" api-network-policies", namespaceType)
	inOrder(t, made, "create", deploymentType, "aws:eks/addon:")

	before := m.mark()
	require.NoError(t, m.destroy())
	gone := m.since(before)
	inOrder(t, gone, "delete", namespaceType, "kubernetes:networking.k8s.io/v1:IngressClass ", "kubernetes:eks.amazonaws.com/v1:IngressClassParams", "aws:eks/accessPolicyAssociation:", eks.cluster)
	inOrder(t, gone, "delete", "aws:eks/addon:", eks.cluster)
	for _, needed := range []string{
		"aws:iam/rolePolicyAttachment:", "aws:iam/rolePolicy:", "aws:iam/role:", "aws:cloudwatch/logGroup:", "aws:kms/key:",
		"aws:ec2/route:", "aws:ec2/routeTableAssociation:", "aws:ec2/natGateway:", "aws:ec2/internetGateway:", "aws:ec2/subnet:", "aws:ec2/vpc:",
	} {
		inOrder(t, gone, "delete", eks.cluster, needed)
	}
}

// TestDOKSGoesInOrder checks that Traefik and its load balancer outlive the
// Ingress and are deleted before the cluster.
func TestDOKSGoesInOrder(t *testing.T) {
	t.Parallel()
	m := openManaged(t, doks)
	m.mustUp()
	made := m.since(0)
	inOrder(t, made, "create", "digitalocean:index/containerRegistry:", doks.cluster, namespaceType+" api-traefik", releaseType+" api-traefik", namespaceType+" api-namespace")
	inOrder(t, made, "create", releaseType+" api-metrics-server", namespaceType+" api-namespace")

	before := m.mark()
	require.NoError(t, m.destroy())
	gone := m.since(before)
	inOrder(t, gone, "delete", namespaceType+" api-namespace", releaseType+" api-traefik", namespaceType+" api-traefik", doks.cluster)
	inOrder(t, gone, "delete", doks.cluster, "digitalocean:index/containerRegistry:")
}

// TestDOKSVersions checks that DigitalOcean sets the patch version and the
// stack the minor version.
func TestDOKSVersions(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	m := openDOKS(t, account)
	// The cluster runs an older patch version than the offered one.
	m.version = "1.36.1-do.0"
	m.mustUp()
	before := m.mark()
	m.mustUp()
	assert.Empty(t, m.since(before), "a newer patch is no business of an update")
	_, err := m.refresh()
	require.NoError(t, err)
	m.mustUp()
	assert.Empty(t, m.since(before), "nor is one that DigitalOcean has put on")

	// The last patch comes before the next minor version. The stack waits for
	// each upgrade, because the API server may be unavailable during it.
	m.version = ""
	m.describe("    version: \"1.37\"\n")
	m.mustUp()
	assert.Equal(t, []string{"update " + doks.cluster + " api-cluster"}, m.since(before))
	assert.Equal(t, "1.36.5-do.0", text(m.existingOf(doks.cluster)[0], "version"))
	assert.Contains(t, m.log.String(), "this update brings the cluster from 1.36.1-do.0 to 1.36.5-do.0")
	assert.Contains(t, m.log.String(), "is upgrading, with version")
	m.mustUp()
	assert.Equal(t, "1.37.1-do.0", text(m.existingOf(doks.cluster)[0], "version"))
	assert.Zero(t, account.Occurrences("last-patch-first"))
	assert.NotZero(t, account.Occurrences("upgrade-takes-time"))

	// When a version reaches its end, DigitalOcean upgrades by itself, and the
	// file names an older version. A release must still succeed.
	before = m.mark()
	m.describe("    version: \"1.36\"\n")
	m.mustUp()
	assert.Contains(t, m.log.String(), `DigitalOcean has upgraded the cluster to 1.37.1-do.0`)
	assert.Empty(t, m.since(before))
}

// TestDOKSIsNeverReplaced checks that changes of the size, region or VPC are
// refused. DigitalOcean would create another cluster for them.
func TestDOKSIsNeverReplaced(t *testing.T) {
	t.Parallel()
	m := openManaged(t, doks)
	m.mustUp()
	before := m.mark()
	for setting, said := range map[string]string{
		"    size: s-1vcpu-2gb\n":  `doks.size: "s-1vcpu-2gb" is another size than that of the cluster's nodes, s-2vcpu-4gb`,
		"    region: ams3\n":       `doks.region: "ams3" is another region than the cluster's, fra1`,
		"    cidr: 10.40.0.0/20\n": "doks.vpc: the cluster is in another VPC",
	} {
		m.describe(setting)
		_, err := m.up()
		require.Error(t, err)
		assert.Contains(t, m.log.String(), said)
	}
	assert.Empty(t, m.since(before))
}

// TestManagedBadInput checks that all errors are reported at once, before any
// request.
func TestManagedBadInput(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		managed managed
		section string
		said    []string
	}{
		{eks, "    region: Frankfurt\n    zones: 1\n    nat: two\n    endpointCidrs: []\n    nodes: 3\n", []string{
			`eks.region: "Frankfurt" is not a region`, "eks.zones: 1 is not from 2", `eks.nat: "two" must be`, "eks.endpointCidrs: is empty", "eks.nodes: is not a key",
		}},
		{eks, "    version: \"1.33\"\n    zones: 4\n", []string{
			`eks.version: "1.33" is not in standard support in eu-central-1; these are: 1.36, 1.37`, "eks.zones: eu-central-1 has 3 zones for EKS",
		}},
		{doks, "    version: latest\n    minNodes: 0\n    maintenanceStart: \"3\"\n    registryTier: free\n", []string{
			`doks.version: "latest" is not a minor version`, "doks.minNodes: 0 is not from 1", `doks.maintenanceStart: "3" is not a full hour`, `doks.registryTier: "free" is not one of`,
		}},
		{doks, "    region: atlantis\n    version: \"1.20\"\n    registry: nobodys\n", []string{
			`doks.region: "atlantis" is not available`, `doks.version: "1.20" is not available; these are: 1.37.1-do.0`, `doks.registry: "nobodys" is not available`,
		}},
	} {
		m := openManaged(t, one.managed)
		m.describe(one.section)
		_, err := m.up()
		require.Error(t, err)
		assert.Contains(t, m.log.String(), "cannot be used, nothing was changed")
		for _, said := range one.said {
			assert.Contains(t, m.log.String(), said)
		}
		assert.Empty(t, m.since(0), "nothing was asked for")
	}
}
