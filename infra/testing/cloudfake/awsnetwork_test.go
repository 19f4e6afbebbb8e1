package cloudfake

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
)

// TestAWSNetworks checks that the account refuses the network operations that AWS
// refuses and stacks avoid.
func TestAWSNetworks(t *testing.T) {
	a := NewAWS()
	do := a.Effect(nil)
	nat := map[string]any{"allocationId": "eipalloc-1", "subnetId": "subnet"}
	require.NoError(t, do(operation(offline.Create, awsSubnet, "subnet", map[string]any{"vpcId": "vpc-1", "availabilityZone": "eu-central-1a"})))
	require.NoError(t, do(operation(offline.Create, awsNAT, "nat-1", nat)))
	require.ErrorContains(t, do(operation(offline.Create, awsNAT, "nat-2", nat)), "already associated")
	assert.Equal(t, 1, a.Occurrences("address-is-in-use"))

	require.NoError(t, do(operation(offline.Create, awsGateway, "igw", map[string]any{"vpcId": "vpc-1"})))
	require.NoError(t, do(operation(offline.Update, awsGateway, "igw", map[string]any{"vpcId": "vpc-1", "tags": map[string]any{"a": "b"}})))
	require.ErrorContains(t, do(operation(offline.Update, awsGateway, "igw", map[string]any{"vpcId": "vpc-2"})), "mapped public address(es)")
	assert.Equal(t, 1, a.Occurrences("gateway-moves-in-place"))
	require.NoError(t, do(operation(offline.Delete, awsNAT, "nat-1", nat)))
	require.NoError(t, do(operation(offline.Update, awsGateway, "igw", map[string]any{"vpcId": "vpc-2"})))
}
