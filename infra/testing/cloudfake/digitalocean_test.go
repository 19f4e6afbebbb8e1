package cloudfake

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
)

func event(operation offline.Operation, kind, id string, inputs map[string]any) *offline.Event {
	return &offline.Event{Operation: operation, Type: kind, ID: id, Inputs: resource.NewPropertyMapFromMap(inputs), Outputs: resource.PropertyMap{}}
}

// TestDigitalOceanNetworks checks that the account refuses the network operations
// that DigitalOcean refuses and stacks avoid.
func TestDigitalOceanNetworks(t *testing.T) {
	d := NewDigitalOcean()
	do := d.Effect(nil)
	vpc := map[string]any{"region": "fra1", "ipRange": "10.20.0.0/20"}
	require.NoError(t, do(event(offline.Create, doVPC, "first", vpc)))
	require.ErrorContains(t, do(event(offline.Create, doVPC, "second", vpc)), "422 This range/size overlaps")
	assert.Equal(t, 1, d.Occurrences("vpc-ranges-overlap"))
	second := map[string]any{"region": "fra1", "ipRange": "10.30.0.0/20"}
	require.NoError(t, do(event(offline.Create, doVPC, "second", second)))
	require.ErrorContains(t, do(event(offline.Delete, doVPC, "first", vpc)), "403 Can not delete default VPCs")
	require.NoError(t, do(event(offline.Delete, doVPC, "second", second)))
	assert.Equal(t, 2, d.Occurrences("first-vpc-stays"), "once made, once refused")

	require.NoError(t, do(event(offline.Create, doMove, "move", map[string]any{"ipAddress": "192.0.2.1"})))
	project := map[string]any{"resources": []any{"do:reservedip:192.0.2.1"}}
	require.NoError(t, do(event(offline.Create, doProject, "project", project)))
	require.ErrorContains(t, do(event(offline.Delete, doProject, "project", project)), "412 Cannot move a Reserved IP")
	assert.Equal(t, 1, d.Occurrences("project-moves-address"))
}

// TestDigitalOceanSpaces checks that a bucket keeps the name with which it was
// created.
func TestDigitalOceanSpaces(t *testing.T) {
	d := NewDigitalOcean()
	do := d.Effect(nil)
	require.NoError(t, do(event(offline.Create, doBucket, "one", map[string]any{"name": "one", "region": "fra1"})))
	require.NoError(t, do(event(offline.Update, doBucket, "one", map[string]any{"name": "one", "region": "fra1", "acl": "private"})))
	assert.Zero(t, d.Occurrences("bucket-keeps-its-name"))
	require.NoError(t, do(event(offline.Update, doBucket, "one", map[string]any{"name": "two", "region": "fra1"})))
	assert.Equal(t, 1, d.Occurrences("bucket-keeps-its-name"))
}
