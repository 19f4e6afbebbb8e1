package awsec2

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/operate"
	"escala/infra/operate/ask"
)

// TestTheMachineKnowsWhoMayAsk checks that the machine has the operator's public
// key and not the private one.
func TestTheMachineKnowsWhoMayAsk(t *testing.T) {
	m := deployed(t, New(), request())
	key, err := ask.Key(&operate.Stack{Resources: []operate.Resource{{
		Type: "random:index/randomBytes:RandomBytes", Name: "operator-key", Outputs: map[string]any{"hex": seed},
	}}})
	require.NoError(t, err)
	assert.Contains(t, userData(t, m), key.Public())
	assert.NotContains(t, userData(t, m), seed)
	assert.False(t, m.Only(t, "aws:ec2/instance:Instance").Secret["userDataBase64"], "the public half is no secret")
}
