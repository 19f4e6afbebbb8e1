package cli

import (
	"fmt"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/assert"

	"escala/infra/operate/origin"
)

func TestDriftIsNamed(t *testing.T) {
	var d drift
	notes := map[string]string{}
	took := func(op apitype.OpType, name string) {
		d.take(apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: apitype.StepEventMetadata{
			Op: op, URN: "urn:pulumi:x::escala::escala:ec2:Service$aws:ec2/instance:Instance::" + name,
		}}})
	}
	d.take(apitype.EngineEvent{})
	took(apitype.OpSame, "api-bucket")
	d.annotate(notes)
	assert.Empty(t, notes)
	took(apitype.OpUpdate, "api-machine")
	took(apitype.OpDelete, "api-address")
	d.annotate(notes)
	assert.Equal(t, map[string]string{origin.Drifted: "api-machine, api-address"}, notes)
	for i := range maxDrifted {
		took(apitype.OpUpdate, fmt.Sprint("object-", i))
	}
	d.annotate(notes)
	assert.Regexp(t, `^api-machine, api-address, object-0, .*, object-7 and 2 more$`, notes[origin.Drifted])
}
