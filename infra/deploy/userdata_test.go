package deploy

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit"
	"escala/service"
)

func TestUserDataIsWhatCloudInitGets(t *testing.T) {
	m := cloudinit.NewMachine(service.NewSpec())
	m.Agent = service.ReleaseID(strings.Repeat("0a", 32))
	want, err := m.UserData()
	require.NoError(t, err)

	plain, err := UserDataLimit{Bytes: 64 << 10}.UserData(m)
	require.NoError(t, err)
	assert.Equal(t, want, plain)

	limit := UserDataLimit{Bytes: 16 << 10, Gzip: true}
	zipped, err := limit.UserData(m)
	require.NoError(t, err)
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	again, err := limit.UserData(m)
	require.NoError(t, err)
	assert.Equal(t, zipped, again, "other bytes would be another machine")

	_, err = UserDataLimit{Bytes: 16 << 10}.UserData(m)
	assert.ErrorContains(t, err, "and the cloud accepts 16384")
}

func TestBucketPrefix(t *testing.T) {
	for stack, want := range map[string]string{
		"aws-ec2":   "escala-aws-ec2-releases-",
		"Prod_EU.1": "escala-prod-eu-1-releases-",
		"a-stack-whose-name-is-so-long-that-no-bucket-has-it": "escala-a-stack-whose-name-is-so-long-releases-",
	} {
		got := BucketPrefix("escala", stack)
		assert.Equal(t, want, got)
		// S3 and Spaces accept names of at most 63 characters; 16 more follow.
		assert.LessOrEqual(t, len(got)+16, 63)
	}
}
