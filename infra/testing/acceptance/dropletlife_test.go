package acceptance

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/testing/cloudfake"
)

// openDroplet opens the stack do-droplet in an account that may be shared.
func openDroplet(t *testing.T, account *cloudfake.DigitalOcean) *stack {
	t.Helper()
	c := digitalOcean
	c.record = func(w *world) *offline.Provider { return account.Provider(w.onDigitalOcean) }
	return open(t, c)
}

// unchanged checks that a refresh finds no difference from the state, as
// drift.yml does.
func (s *stack) unchanged(when string) {
	s.t.Helper()
	refreshed, err := s.refresh()
	require.NoError(s.t, err)
	assert.NotContains(s.t, refreshed.Changes, "update", when)
	assert.NotContains(s.t, refreshed.Changes, "delete", when)
}

// TestDropletLife checks the life of a stack in an account that behaves like
// DigitalOcean.
func TestDropletLife(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	account.DefaultVPC("fra1")
	s := openDroplet(t, account)
	first := s.mustUp()
	s.unchanged("right after the first update")

	// Spaces returns the expiry rules of releases in the order of their ids
	// ("rules-by-id").
	for _, name := range []string{"two", "three", "four", "five", "six", "seven", "eight"} {
		s.release(name)
		s.mustUp()
	}
	s.unchanged("right after a release")
	before := len(s.cloudProvider.Events())
	last := s.mustUp()
	assert.Empty(t, s.changes(before), "an update without a change asks for nothing")
	assert.Zero(t, account.Occurrences("rules-by-id"))

	// Another program overwrites the pointer ("object-by-etag").
	account.Overwrite("current")
	refreshed, err := s.refresh()
	require.NoError(t, err)
	assert.Contains(t, refreshed.Changes, "update", "it is found")
	assert.NotZero(t, account.Occurrences("object-by-etag"))
	before = len(s.cloudProvider.Events())
	s.mustUp()
	assert.Equal(t, []string{"update " + digitalOcean.object + " api-current"}, s.changes(before), "and mended")

	// A new machine never becomes healthy, and the change is reverted.
	s.world.broken = func(userData string) string {
		if strings.Contains(userData, "DATABASE") {
			return "no database"
		}
		return ""
	}
	s.configure("  escala:service:\n    env:\n      DATABASE: nowhere\n")
	_, err = s.up()
	require.Error(t, err)
	s.configure("")
	s.mustUp()
	s.unchanged("after a change was taken back")
	assert.Len(t, s.existingOf(digitalOcean.machine), 1)

	// A new machine from the newest image and a renamed service keep the same
	// address.
	s.configure("  escala:digitalocean:\n    generation: 2\n")
	assert.Equal(t, first["url"], s.mustUp()["url"])
	s.configure("  escala:service:\n    name: web\n")
	assert.Equal(t, first["url"], s.mustUp()["url"])

	// In another region, the new bucket is created before the old one is
	// deleted, and has another name ("bucket-name-kept").
	before = len(s.cloudProvider.Events())
	s.configure("  escala:service:\n    name: web\n  escala:digitalocean:\n    region: ams3\n")
	moved := s.mustUp()
	assert.NotEqual(t, first["url"], moved["url"], "an address belongs to a region")
	_, release := answeredBy(t, moved["url"])
	assert.Equal(t, last["release"], release)
	order(t, s.changes(before),
		"create digitalocean:index/spacesBucket:SpacesBucket web-releases",
		"create digitalocean:index/reservedIpAssignment:ReservedIpAssignment address",
		"delete digitalocean:index/spacesBucket:SpacesBucket web-releases")
	assert.Zero(t, account.Occurrences("bucket-name-kept"))
	assert.Zero(t, account.Occurrences("tag-goes-from-all"), "the machine before keeps its tag")
	assert.Zero(t, account.Occurrences("firewall-goes-by-its-tag"), "and its firewall")
	assert.Zero(t, account.Occurrences("bucket-keeps-its-name"))

	// Another user, with another token, sees no change and destroys the stack.
	s.forgetBuilds()
	plan, err := s.preview()
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"same": plan.Changes["same"]}, plan.Changes)
	require.NoError(t, s.destroy(), "in one go")
	assert.Empty(t, s.world.machines)
	assert.NoError(t, s.destroy())
}

// TestDropletLifeInANewAccount checks the life of a stack in the first VPC of a
// region, which can never be deleted.
func TestDropletLifeInANewAccount(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	s := openDroplet(t, account)
	s.configure("  escala:digitalocean:\n    cidr: 10.20.0.0/20\n")
	_, err := s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), "digitalocean.cidr: region fra1 has no default VPC yet")
	assert.NotZero(t, account.Occurrences("no-default-vpc"))
	assert.Empty(t, s.cloudProvider.Events(), "nothing was asked for")

	s.configure("")
	s.mustUp()
	s.unchanged("right after the first update")
	require.NoError(t, s.destroy(), "in one go")

	// The region has a default VPC now. A renamed service stays in its VPC, also if
	// an earlier version gave the VPC another logical name.
	s = openDroplet(t, account)
	s.configure("  escala:digitalocean:\n    cidr: 10.20.0.0/20\n")
	s.mustUp()
	s.inState("::network\"", "::api-network\"")
	before := len(s.cloudProvider.Events())
	s.mustUp()
	assert.Empty(t, s.changes(before))
	s.configure("  escala:digitalocean:\n    cidr: 10.20.0.0/20\n  escala:service:\n    name: web\n")
	s.mustUp()
	assert.Zero(t, account.Occurrences("vpc-ranges-overlap"))
	require.NoError(t, s.destroy(), "in one go")
	assert.Empty(t, account.OfType("digitalocean:index/vpc:Vpc"))
}

// TestDropletAnotherNetwork checks that a new VPC is created beside the previous
// one, and that ranges which DigitalOcean would refuse beside it are reported
// before any change ("vpc-ranges-overlap").
func TestDropletAnotherNetwork(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	account.DefaultVPC("fra1")
	account.DefaultVPC("ams3")
	s := openDroplet(t, account)
	s.configure("  escala:digitalocean:\n    cidr: 10.20.0.0/20\n")
	first := s.mustUp()
	before := len(s.cloudProvider.Events())
	for _, settings := range []string{"    cidr: 10.20.0.0/16\n", "    region: ams3\n    cidr: 10.20.0.0/20\n"} {
		s.configure("  escala:digitalocean:\n" + settings)
		_, err := s.up()
		require.Error(t, err, settings)
		assert.Contains(t, s.log.String(), "overlaps with 10.20.0.0/20, the range of the stack's VPC in fra1")
		assert.Empty(t, s.changes(before), "nothing was changed")
	}
	s.configure("  escala:digitalocean:\n    cidr: 10.30.0.0/20\n")
	assert.Equal(t, first["url"], s.mustUp()["url"])
	s.configure("  escala:digitalocean:\n    region: ams3\n    cidr: 10.20.0.0/20\n")
	answeredBy(t, s.mustUp()["url"])
	s.configure("  escala:digitalocean:\n    region: ams3\n")
	s.mustUp()
	assert.Zero(t, account.Occurrences("vpc-ranges-overlap"))
	assert.Empty(t, account.OfType("digitalocean:index/vpc:Vpc"))
}

// TestDropletSecondClone checks that two stacks with the same names work in one
// account.
func TestDropletSecondClone(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	one, two := openDroplet(t, account), openDroplet(t, account)
	one.mustUp()
	second := two.mustUp()
	require.NoError(t, one.destroy())
	assert.Zero(t, account.Occurrences("tag-goes-from-all"), "its tag is its own")
	machine := two.existingOf(digitalOcean.machine)[0]
	firewall := two.existingOf("digitalocean:index/firewall:Firewall")[0]
	tags := offline.Plain(firewall.Inputs)["tags"].([]any)
	require.Len(t, tags, 1)
	assert.True(t, slices.Contains(offline.Plain(machine.Inputs)["tags"].([]any), tags[0]))
	answeredBy(t, second["url"])
	two.unchanged("after the other clone was destroyed")
	require.NoError(t, two.destroy())
}

// TestDropletBadInput checks that a region without Spaces is reported before
// any resource is created ("spaces-regions").
func TestDropletBadInput(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	s := openDroplet(t, account)
	s.configure("  escala:digitalocean:\n    region: nowhere9\n    sshFrom: [0.0.0.0/0]\n    vpc: mine\n")
	_, err := s.up()
	require.Error(t, err)
	for _, said := range []string{
		`digitalocean.spacesRegion: "nowhere9" has no Spaces`, "digitalocean.sshKeys: is empty",
		`digitalocean.sshFrom[0]: "0.0.0.0/0" is the whole internet`, `digitalocean.vpc: "mine" is not the id of a VPC`,
	} {
		assert.Contains(t, s.log.String(), said)
	}
	assert.Empty(t, s.cloudProvider.Events())
	assert.Zero(t, account.Occurrences("spaces-regions"))
}
