package iampolicy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDocumentLeavesOutWhatIsEmpty(t *testing.T) {
	document, err := Document(Statement{Sid: "Read", Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: []string{"arn:aws:s3:::b/*"}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b/*"]}]}`, document)
}

func TestTrust(t *testing.T) {
	document, err := Trust("eks."+ServiceDomain("aws-cn"), "sts:AssumeRole", "sts:TagSession")
	require.NoError(t, err)
	assert.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com.cn"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`, document)
}

func TestPartition(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:iam::123456789012:user/someone":          "aws",
		"arn:aws-us-gov:sts::123456789012:assumed-role/a": "aws-us-gov",
	} {
		got, err := Partition(arn)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, wrong := range []string{"", "someone", "urn:aws:iam::1:user/x", "arn:aws:iam"} {
		_, err := Partition(wrong)
		assert.ErrorContains(t, err, "is not an ARN")
	}
}
