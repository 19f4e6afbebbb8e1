package awsec2

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/pulumitest"
)

// policyOf returns the document of the role policy with this name.
func policyOf(t *testing.T, m *pulumitest.Mocks, name string) any {
	t.Helper()
	for _, policy := range m.OfType("aws:iam/rolePolicy:RolePolicy") {
		if policy.Name == name {
			return policy.Inputs["policy"]
		}
	}
	t.Fatalf("there is no policy %s", name)
	return nil
}

func TestAMachineWritesItsOwnObjectsOnly(t *testing.T) {
	m := deployed(t, New(), request())
	require.Len(t, m.OfType("aws:iam/rolePolicy:RolePolicy"), 2)
	instance := m.Only(t, "aws:ec2/instance:Instance")
	assert.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Sid":"OwnObjects","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],
		"Resource":["arn:aws:s3:::the-bucket/machines/`+instance.Name+`-id/*"],
		"Condition":{"StringLike":{"aws:userid":"*:`+instance.Name+`-id"}}}]}`, policyOf(t, m, "api-machine-objects").(string))
}
