package acceptance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/testing/cloudfake"
)

const (
	subnetType    = "aws:ec2/subnet:Subnet"
	instanceType  = "aws:ec2/instance:Instance"
	parameterType = "aws:ssm/parameter:Parameter"
	roleType      = "aws:iam/role:Role"
)

// TestAWSLife checks aws-ec2 in a shared account: a configuration that fails and is
// reverted, another user's preview and destroy, and a new deployment.
func TestAWSLife(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	first := s.mustUp()
	s.refreshesClean()

	s.world.broken = func(userData string) string {
		if strings.Contains(userData, "DATABASE") {
			return "worker 0 does not come up: no database"
		}
		return ""
	}
	s.configure("  escala:service:\n    env:\n      DATABASE: nowhere\n")
	_, err := s.up()
	require.Error(t, err)
	machine, _ := answeredBy(t, first["url"])
	s.configure("")
	back := s.mustUp()
	assert.Equal(t, first["url"], back["url"])
	assert.Len(t, account.OfType(instanceType), 1, "what failed is gone, and what it was to replace")
	now, _ := answeredBy(t, back["url"])
	assert.NotEqual(t, machine, now, "the machine before was on its way out")

	account.CallAs("arn:aws:iam::123456789012:role/somebody-else")
	plan, err := s.preview()
	require.NoError(t, err)
	assert.Len(t, plan.Changes, 1, "nothing is to be done: %v", plan.Changes)
	s.refreshesClean()
	require.NoError(t, s.destroy())
	for _, e := range account.All() {
		assert.Equal(t, aws.object, e.Type, "only releases are left to the bucket, which goes with all that is in it: %s", e)
	}
	assert.Zero(t, account.Occurrences("network-in-use"), "everything goes in one go")
	assert.Zero(t, account.Occurrences("entry-exists"))

	again := s.mustUp()
	_, release := answeredBy(t, again["url"])
	assert.Equal(t, again["release"], release)
}

// TestReplacedMachineGetsTheNewestImage checks that a newer image alone
// replaces no machine, and that a machine replaced for another reason gets it.
func TestReplacedMachineGetsTheNewestImage(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	s.mustUp()
	image := func() string { return text(s.existingOf(instanceType)[0], "ami") }
	before := image()
	account.NewImage("arm64", "ami-00000000000000a65")
	account.WithdrawImage(before)
	events := len(s.cloudProvider.Events())
	s.mustUp()
	assert.Empty(t, s.changes(events))
	s.release("second")
	s.mustUp()
	assert.Equal(t, before, image(), "a release is no reason either")

	s.configure("  escala:aws:\n    instanceType: t4g.medium\n")
	s.mustUp()
	assert.Equal(t, "ami-00000000000000a65", image())
	assert.Zero(t, account.Occurrences("image-is-withdrawn"))
	account.NewImage("arm64", "ami-00000000000000a66")
	events = len(s.cloudProvider.Events())
	s.mustUp()
	assert.Empty(t, s.changes(events), "it keeps that one now")
}

// TestZoneWithoutTheInstanceType checks that the stack's subnet is in a zone
// with the instance type, and that a machine can be moved if its zone loses the
// type.
func TestZoneWithoutTheInstanceType(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	account.LimitTypeToZones("t4g.small", "eu-central-1b")
	s := open(t, awsIn(account))
	s.mustUp()
	assert.Equal(t, "eu-central-1b", text(s.existingOf(subnetType)[0], "availabilityZone"))
	assert.Zero(t, account.Occurrences("zone-is-picked"))
	assert.Zero(t, account.Occurrences("zone-lacks-type"))

	account.LimitTypeToZones("t4g.medium", "eu-central-1a")
	before := len(s.cloudProvider.Events())
	s.configure("  escala:aws:\n    instanceType: t4g.medium\n")
	_, err := s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), `aws.zone: the machine's subnet is in eu-central-1b, which does not have "t4g.medium"; set one of: eu-central-1a`)
	assert.Empty(t, s.changes(before), "nothing was changed")

	s.configure("  escala:aws:\n    instanceType: t4g.medium\n    zone: eu-central-1a\n")
	moved := s.mustUp()
	require.Len(t, s.existingOf(subnetType), 1)
	assert.Equal(t, "eu-central-1a", text(s.existingOf(subnetType)[0], "availabilityZone"))
	answeredBy(t, moved["url"])
}

// TestTagOnTheVolume checks that a backup tool's tag is neither drift nor a
// reason to replace the machine.
func TestTagOnTheVolume(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	s.mustUp()
	account.TagVolumes("backup", "daily")
	_, err := s.refresh()
	require.NoError(t, err)
	assert.Positive(t, account.Occurrences("volume-tags-are-read-back"))
	before := len(s.cloudProvider.Events())
	s.mustUp()
	assert.Empty(t, s.changes(before))
	s.configure("  escala:aws:\n    diskGiB: 20\n")
	s.mustUp()
	assert.Contains(t, strings.Join(s.changes(before), "\n"), "create "+instanceType, "another size is another machine")
}

// TestManyTags checks that many tags fit on every resource, including objects.
func TestManyTags(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	s.configure("  escala:aws:\n    tags: {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9}\n")
	s.configure(strings.ReplaceAll("  escala:aws:\n    tags: {a: 'x', b: 'x', c: 'x', d: 'x', e: 'x', f: 'x', g: 'x', h: 'x', i: 'x'}\n", "'", "\""))
	s.mustUp()
	assert.Zero(t, account.Occurrences("object-takes-ten-tags"))
	s.refreshesClean()
}

// TestTagsThatAWSRefuses checks that invalid tags are reported before any
// request to AWS.
func TestTagsThatAWSRefuses(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	s.configure("  escala:aws:\n    tags: {project: x, \"a#b\": x}\n")
	_, err := s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), `aws.tags.project: differs from the tag "Project" only in case`)
	assert.Contains(t, s.log.String(), "aws.tags.a#b: has a character")
	assert.Empty(t, s.cloudProvider.Events())
	for _, name := range []string{"tag-keys-ignore-case", "tag-characters"} {
		assert.Zero(t, account.Occurrences(name))
	}
}

// TestLongSecret checks that a certificate chain fits, and that a longer secret
// is refused before any resource is created.
func TestLongSecret(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	s.configure("  escala:service:\n    secrets: [CHAIN]\n")
	s.setSecret("CHAIN", strings.Repeat("x", 9000))
	_, err := s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), "secrets.CHAIN: has 9000 bytes; the Parameter Store takes 8192 at most")
	assert.Empty(t, s.cloudProvider.Events())
	s.setSecret("CHAIN", strings.Repeat("x", 5000))
	s.mustUp()
	assert.Zero(t, account.Occurrences("parameter-takes-4-kib"))
}

// TestManySecrets checks that the permission to read the secrets fits into the
// policies of the machine's role, and that too many secrets are reported before any
// resource is created.
func TestManySecrets(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	use := func(n int) {
		var names []string
		s.secrets = nil
		for i := range n {
			names = append(names, fmt.Sprintf("SECRET_NUMBER_%03d", i))
		}
		s.configure("  escala:service:\n    secrets: [" + strings.Join(names, ", ") + "]\n")
		for _, name := range names {
			s.setSecret(name, "x")
		}
	}
	use(100)
	_, err := s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), "service.secrets: are 100, and the permission to read each of them")
	assert.Empty(t, s.cloudProvider.Events())
	use(60)
	s.mustUp()
	assert.Zero(t, account.Occurrences("role-policies-take-10-kib"))
}

// TestSecondCloneInTheSameAccount checks that two stacks with the same names do
// not conflict.
func TestSecondCloneInTheSameAccount(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	for range 2 {
		s := open(t, awsIn(account))
		s.configure("  escala:service:\n    secrets: [DATABASE_URL]\n")
		s.setSecret("DATABASE_URL", "correct horse battery staple")
		answeredBy(t, s.mustUp()["url"])
		openManaged(t, eksIn(account)).mustUp()
	}
	assert.Len(t, account.OfType(parameterType), 2)
	for _, name := range []string{"parameter-exists", "repository-exists", "bucket-exists", "log-group-exists", "cluster-exists"} {
		assert.Zero(t, account.Occurrences(name), name)
	}
}

// TestRenamedService checks that the renamed service is a new one beside the
// old one, which is deleted after the new one serves.
func TestRenamedService(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	s.configure("  escala:service:\n    secrets: [DATABASE_URL]\n")
	s.setSecret("DATABASE_URL", "correct horse battery staple")
	s.mustUp()
	s.configure("  escala:service:\n    name: shop\n    secrets: [DATABASE_URL]\n")
	s.setSecret("DATABASE_URL", "correct horse battery staple")
	renamed := s.mustUp()
	answeredBy(t, renamed["url"])
	for _, e := range account.All() {
		if e.Type != aws.object {
			assert.True(t, strings.HasPrefix(e.Name, "shop-"), e.String())
		}
	}
}

// TestAnotherRegion checks that the stack exists in the new region before it is
// deleted in the old one.
func TestAnotherRegion(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	s.configure("  escala:service:\n    secrets: [DATABASE_URL]\n")
	s.setSecret("DATABASE_URL", "correct horse battery staple")
	s.mustUp()
	before := len(s.cloudProvider.Events())
	s.configure("  escala:aws:\n    region: eu-west-1\n  escala:service:\n    secrets: [DATABASE_URL]\n")
	s.setSecret("DATABASE_URL", "correct horse battery staple")
	s.mustUp()
	served := false
	for _, e := range s.cloudProvider.Events()[before:] {
		if e.Operation == offline.Create && e.Type == aws.association {
			served = true
		}
		if e.Operation == offline.Delete {
			assert.True(t, served, "%s comes before the address leads to the other machine", e)
		}
	}
	assert.True(t, served)
	assert.Len(t, account.OfType(instanceType), 1)
	plan, err := s.preview()
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"same": plan.Changes["same"]}, plan.Changes)
}

// TestOverwrittenPointer checks that an overwritten pointer is drift, and that
// the next update repairs it.
func TestOverwrittenPointer(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	first := s.mustUp()
	account.Overwrite("current")
	refreshed, err := s.refresh()
	require.NoError(t, err)
	assert.Contains(t, refreshed.Changes, "update", "the look for drift sees it")
	assert.Positive(t, account.Occurrences("object-has-an-etag"))
	before := len(s.cloudProvider.Events())
	assert.Equal(t, first["release"], s.mustUp()["release"])
	assert.Equal(t, []string{"update " + aws.object + " api-current"}, s.changes(before))
	s.refreshesClean()
}
