package acceptance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/cloudfake"
)

const (
	vpcType     = "aws:ec2/vpc:Vpc"
	gatewayType = "aws:ec2/internetGateway:InternetGateway"
)

// TestAnotherNetwork checks that a machine moves to another network behind the same
// address. The network is the stack's own or an existing one. The previous network
// keeps its internet gateway until then ("gateway-moves-in-place").
func TestAnotherNetwork(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	first := s.mustUp()
	for _, settings := range []string{"    cidr: 10.21.0.0/16\n", "    subnetId: subnet-0123456789abcdef0\n", ""} {
		before := len(s.cloudProvider.Events())
		s.configure("  escala:aws:\n" + settings + "    generation: 1\n")
		moved := s.mustUp()
		assert.Equal(t, first["url"], moved["url"], settings)
		answeredBy(t, moved["url"])
		assert.Len(t, s.existingOf(aws.machine), 1)
		for _, kind := range []string{vpcType, gatewayType} {
			assert.Len(t, s.existingOf(kind), map[bool]int{true: 0, false: 1}[strings.Contains(settings, "subnetId")], "%s: %s", settings, kind)
		}
		assert.NotContains(t, strings.Join(s.changes(before), "\n"), "update "+gatewayType)
	}
	assert.Zero(t, account.Occurrences("gateway-moves-in-place"))
	assert.Zero(t, account.Occurrences("network-in-use"))
}

// TestEKSNetworkStays checks that changes of the network that EKS would refuse are
// reported before any resource is changed.
func TestEKSNetworkStays(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	m := openManaged(t, eksIn(account))
	m.mustUp()
	vpc := account.OfType(vpcType)[0].ID
	before := m.mark()
	for settings, said := range map[string]string{
		"    cidr: 10.31.0.0/16\n": `eks.cidr: "10.31.0.0/16" is another range than that of the cluster's network ` + vpc + `, 10.30.0.0/16`,
		"    zones: 3\n":           `eks.zones: 3 is another number than that of the cluster's zones (eu-central-1a, eu-central-1b)`,
		"    vpcId: vpc-0123456789abcdef0\n    publicSubnetIds: [subnet-0123456789abcdef1, subnet-0123456789abcdef2]\n    nodeSubnetIds: [subnet-0123456789abcdef3, subnet-0123456789abcdef4]\n": `eks.vpcId: vpc-0123456789abcdef0 is another network than the cluster's, ` + vpc,
	} {
		m.describe(settings)
		_, err := m.up()
		require.Error(t, err, settings)
		assert.Contains(t, m.log.String(), said)
		assert.Contains(t, m.log.String(), "EKS moves no cluster")
	}
	assert.Empty(t, m.since(before), "nothing was changed")
	assert.Zero(t, account.Occurrences("cluster-keeps-its-network"))

	// Nodes may get other subnets of the same zones.
	m.describe("    nat: none\n")
	m.mustUp()
	m.describe("")
	m.mustUp()
	assert.Zero(t, account.Occurrences("cluster-keeps-its-network"))
	assert.Zero(t, account.Occurrences("network-in-use"))
}

// TestEKSOwnNetworkStays checks the same for a cluster in an existing network.
func TestEKSOwnNetworkStays(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	m := openManaged(t, eksIn(account))
	const own = "    vpcId: vpc-0123456789abcdef0\n    publicSubnetIds: [subnet-0123456789abcdef1, subnet-0123456789abcdef2]\n"
	m.describe(own + "    nodeSubnetIds: [subnet-0123456789abcdef1, subnet-0123456789abcdef2]\n")
	m.mustUp()
	before := m.mark()
	for settings, said := range map[string]string{
		own + "    nodeSubnetIds: [subnet-0123456789abcdef2, subnet-0123456789abcdef3]\n": "eks.nodeSubnetIds: are in ",
		"": "eks.vpcId: is not set, but the cluster is in vpc-0123456789abcdef0",
	} {
		m.describe(settings)
		_, err := m.up()
		require.Error(t, err, settings)
		assert.Contains(t, m.log.String(), said)
	}
	assert.Empty(t, m.since(before), "nothing was changed")
	assert.Zero(t, account.Occurrences("cluster-keeps-its-network"))
	m.describe(own + "    nodeSubnetIds: [subnet-0123456789abcdef4, subnet-0123456789abcdef5]\n")
	m.mustUp()
	assert.Zero(t, account.Occurrences("cluster-keeps-its-network"), "the same zones")
}

// TestViewerBecomesAdmin checks that a principal keeps its access entry when its
// rights change ("entry-exists").
func TestViewerBecomesAdmin(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	m := openManaged(t, eksIn(account))
	for _, one := range []struct {
		list         string
		admin, views bool
	}{{"viewers", false, true}, {"admins", true, false}, {"viewers", false, true}} {
		m.describe("    " + one.list + ": [\"" + somebodyElse + "\"]\n")
		m.mustUp()
		assert.Equal(t, one.admin, account.Admitted(somebodyElse, "AmazonEKSClusterAdminPolicy"), one.list)
		assert.Equal(t, one.views, account.Admitted(somebodyElse, "AmazonEKSAdminViewPolicy"), one.list)
	}
	assert.Len(t, account.OfType(entryType), 2, "the deployer's and this one")
	assert.Zero(t, account.Occurrences("entry-exists"))

	// Earlier versions had the role in the logical name of an entry. Such an entry
	// stays.
	m.inState("::api-access-somebody-else-", "::api-viewer-somebody-else-")
	before := m.mark()
	m.mustUp()
	assert.Empty(t, m.since(before))
}
