package acceptance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/cloudfake"
)

// dropletIn opens a stack in an account that has a default VPC.
func dropletIn(t *testing.T) (*stack, *cloudfake.DigitalOcean) {
	t.Helper()
	account := cloudfake.NewDigitalOcean()
	account.DefaultVPC("fra1")
	return openDroplet(t, account), account
}

// TestDropletLimit checks that a failed change of the machine can be reverted once
// the account may have three Droplets, and that the service serves until then.
func TestDropletLimit(t *testing.T) {
	t.Parallel()
	s, account := dropletIn(t)
	account.Limit(2)
	first := s.mustUp()
	machine, _ := answeredBy(t, first["url"])
	s.world.broken = func(userData string) string {
		if strings.Contains(userData, "DATABASE") {
			return "worker 0 does not come up: no database"
		}
		return ""
	}
	s.configure("  escala:service:\n    env:\n      DATABASE: nowhere\n")
	_, err := s.up()
	require.Error(t, err)
	s.configure("")
	_, err = s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), "will exceed your droplet limit")
	assert.Equal(t, 1, account.Occurrences("droplet-limit"))
	still, _ := answeredBy(t, first["url"])
	assert.Equal(t, machine, still)

	account.Limit(3)
	back := s.mustUp()
	assert.Equal(t, first["url"], back["url"])
	s.unchanged("after it")
	require.NoError(t, s.destroy())
}

// TestDropletBucketNotYetKnown checks that a first update that meets a bucket too
// early only has to run again.
func TestDropletBucketNotYetKnown(t *testing.T) {
	t.Parallel()
	s, account := dropletIn(t)
	account.DelayNewBuckets(1)
	_, err := s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), "NoSuchBucket")
	assert.Equal(t, 1, account.Occurrences("bucket-is-eventual"))
	answeredBy(t, s.mustUp()["url"])
	s.unchanged("after it")
	require.NoError(t, s.destroy())
}

// TestDropletAddressUnassigned checks that a refresh repairs a stack whose address
// was unassigned from its Droplet.
func TestDropletAddressUnassigned(t *testing.T) {
	t.Parallel()
	s, account := dropletIn(t)
	s.mustUp()
	account.Unassign()
	require.Error(t, s.destroy())
	assert.Equal(t, 1, account.Occurrences("unassigned-address-crashes"))
	_, err := s.refresh()
	require.NoError(t, err)
	require.NoError(t, s.destroy())
	for _, e := range s.cloudProvider.Existing() {
		assert.Equal(t, digitalOcean.object, e.Type, "only releases are left to the bucket, which goes with all that is in it: %s", e)
	}
}
