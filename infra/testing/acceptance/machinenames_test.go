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

// TestMachineSecretsOfHTTPS checks that the seed of a machine's keys is in no
// state and no log, and on AWS in no user-data.
func TestMachineSecretsOfHTTPS(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, c cloud) {
		s := open(t, c)
		s.configure(withHost("api.example.com"))
		first := s.mustUp()
		assert.Contains(t, first["https"], "waiting: ", "nobody has made a record")
		assert.Contains(t, s.log.String(), "the release serves, but not yet by HTTPS: ")
		assert.Contains(t, first["url"], "http://127.0.0.1:", "the service serves by HTTP meanwhile")
		seed := ""
		switch c.stack {
		case aws.stack:
			for _, e := range s.existingOf("aws:ssm/parameter:Parameter") {
				if strings.HasSuffix(text(e, "name"), "/tls-seed") {
					seed = text(e, "value")
				}
			}
			userData, err := c.userData(s.existingOf(c.machine)[0])
			require.NoError(t, err)
			assert.NotContains(t, userData, seed)
			policy := fmt.Sprint(column(s.existingOf("aws:iam/rolePolicy:RolePolicy"), "aws:iam/rolePolicy:RolePolicy", "policy"))
			assert.Contains(t, policy, "/certificates/*")
			assert.Contains(t, policy, "/tls-seed")
		default:
			userData, err := c.userData(s.existingOf(c.machine)[0])
			require.NoError(t, err)
			_, rest, found := strings.Cut(userData, `"tls-seed": "`)
			require.True(t, found)
			seed, _, _ = strings.Cut(rest, `"`)
		}
		assert.Len(t, seed, 64)
		s.requireNotInState(seed)
		assert.NotContains(t, s.log.String(), seed)

		// A new machine, and a service with another name, have the same seed.
		before := len(s.cloudProvider.Events())
		s.configure("  escala:service:\n    name: web\n    host: api.example.com\n")
		s.mustUp()
		assert.NotEmpty(t, s.changes(before))
		s.unchanged("after the change")
		require.NoError(t, s.destroy())
	})
}

// TestMachineNamesAtAWS checks the life of a machine's records in Route 53.
func TestMachineNamesAtAWS(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	s.configure(withHost("api.example.com", "    dns: true\n"))
	_, err := s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), "aws.dnsZone: the account has no public hosted zone for api.example.com")
	assert.Empty(t, s.cloudProvider.Events())

	zone := account.Zone("example.com")
	first := s.mustUp()
	record := s.existingOf(recordType)[0]
	assert.Equal(t, []string{zone, "api.example.com", "A"}, []string{text(record, "zoneId"), text(record, "name"), text(record, "type")})
	assert.Equal(t, []any{first["address"]}, offline.Plain(record.Inputs)["records"])
	made := s.changes(0)
	assert.Less(t, kinds(made, "create", aws.association)[0], kinds(made, "create", recordType)[0], "the name leads here once the address does")
	s.unchanged("right after the first update")

	// A release and a new machine do not touch the record.
	before := len(s.cloudProvider.Events())
	s.release("second")
	s.mustUp()
	s.configure(withHost("api.example.com", "    dns: true\n    env:\n      GREETING: hello\n"))
	s.mustUp()
	assert.Empty(t, kinds(s.changes(before), "create", recordType))
	assert.Empty(t, kinds(s.changes(before), "update", recordType))

	// Names move with the host.
	before = len(s.cloudProvider.Events())
	s.configure(withHost("new.example.com", "    dns: true\n    tls:\n      names: [example.com]\n"))
	s.mustUp()
	assert.Equal(t, []string{"example.com", "new.example.com"}, column(s.existingOf(recordType), recordType, "name"))
	moved := s.changes(before)
	assert.Less(t, kinds(moved, "create", recordType)[0], kinds(moved, "delete", recordType)[0])

	// A record that the stack did not create stays, and the service serves.
	account.Record(zone, "taken.example.com", "A")
	s.configure(withHost("taken.example.com", "    dns: true\n"))
	_, err = s.up()
	require.Error(t, err)
	assert.Equal(t, 1, account.Occurrences("record-exists"))
	_, serves := answeredBy(t, "http://"+first["address"].(string))
	assert.NotEmpty(t, serves)
	require.NoError(t, s.destroy())
	assert.Len(t, account.OfType(recordType), 1, "that of others")
}

// TestRenamedServiceKeepsItsRecords checks that a host name leads to the service,
// and that its certificate can be validated, while the service is renamed and moved
// to another region.
func TestRenamedServiceKeepsItsRecords(t *testing.T) {
	t.Parallel()
	const renamed, named = "    name: shop\n    dns: true\n", "    dns: true\n"
	t.Run("machine", func(t *testing.T) {
		account := cloudfake.NewAWS()
		zone := account.Zone("example.com")
		s := open(t, awsIn(account))
		s.configure(withHost("api.example.com", named))
		s.mustUp()
		leads := func(outputs map[string]any) {
			t.Helper()
			records := account.OfType(recordType)
			require.Len(t, records, 1)
			assert.Equal(t, []any{zone, []any{outputs["address"]}}, []any{text(records[0], "zoneId"), offline.Plain(records[0].Inputs)["records"]})
			s.unchanged("after it")
		}
		s.configure(withHost("api.example.com", renamed))
		leads(s.mustUp())
		s.configure("  escala:aws:\n    region: eu-west-1\n" + withHost("api.example.com", renamed))
		leads(s.mustUp())
		assert.Zero(t, account.Occurrences("record-exists"))
		assert.Zero(t, account.Occurrences("record-is-its-name"))
		require.NoError(t, s.destroy())
		assert.Empty(t, account.OfType(recordType))
	})
	t.Run("cluster", func(t *testing.T) {
		account := cloudfake.NewAWS()
		account.Zone("example.com")
		c := eks
		c.aws = account
		m := openManaged(t, c)
		m.describe("", withHost("api.example.com", named))
		m.mustUp()
		m.rename(t, "shop")
		m.describe("", withHost("api.example.com", renamed))
		m.mustUp()
		assert.Len(t, account.OfType(recordType), 2, "the alias, and the proof for the certificate")
		assert.Zero(t, account.Occurrences("record-exists"))
		assert.Zero(t, account.Occurrences("record-is-its-name"))
		m.unchanged("after it")
	})
	t.Run("managed cluster", func(t *testing.T) {
		account := cloudfake.NewDigitalOcean()
		account.Domain("example.com")
		m := openDOKS(t, account)
		m.describe("", withHost("api.example.com", named))
		m.mustUp()
		m.rename(t, "shop")
		m.describe("", withHost("api.example.com", renamed))
		m.mustUp()
		assert.Len(t, account.OfType(dnsRecordType), 1)
		assert.Zero(t, account.Occurrences("records-add-up"), "no client gets an address that is about to go")
	})
	t.Run("droplet", func(t *testing.T) {
		account := cloudfake.NewDigitalOcean()
		account.DefaultVPC("fra1")
		account.Domain("example.com")
		s := openDroplet(t, account)
		s.configure(withHost("api.example.com", named))
		s.mustUp()
		s.configure(withHost("api.example.com", renamed))
		outputs := s.mustUp()
		assert.Equal(t, []string{outputs["address"].(string)}, column(account.OfType(dnsRecordType), dnsRecordType, "value"))
		assert.Zero(t, account.Occurrences("records-add-up"), "no client gets an address that is about to go")
		s.unchanged("after it")
	})
}

// TestMachineNamesAtDigitalOcean checks the life of a machine's records at
// DigitalOcean.
func TestMachineNamesAtDigitalOcean(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	account.DefaultVPC("fra1")
	account.Domain("example.com")
	s := openDroplet(t, account)
	s.configure(withHost("example.com", "  escala:digitalocean:\n    domain: example.com\n"))
	first := s.mustUp()
	record := s.existingOf(dnsRecordType)[0]
	assert.Equal(t, []string{"example.com", "@", first["address"].(string)}, []string{text(record, "domain"), text(record, "name"), text(record, "value")})
	s.unchanged("right after the first update")

	s.configure(withHost("api.example.com", "    dns: true\n    tls:\n      names: [www.example.com]\n"))
	s.mustUp()
	assert.Equal(t, []string{"api", "www"}, column(s.existingOf(dnsRecordType), dnsRecordType, "name"))

	account.Record("example.com", "taken", "CNAME", "elsewhere.example.net.")
	s.configure(withHost("taken.example.com", "    dns: true\n"))
	_, err := s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), "taken.example.com already leads to elsewhere.example.net., by a record that is not this stack's")
	assert.Zero(t, account.Occurrences("records-add-up"))
	require.NoError(t, s.destroy())
}
