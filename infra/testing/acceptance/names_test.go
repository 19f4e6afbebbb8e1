package acceptance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/testing/cloudfake"
)

const (
	certificateType = "aws:acm/certificate:Certificate"
	issuedType      = "aws:acm/certificateValidation:CertificateValidation"
	recordType      = "aws:route53/record:Record"
	dnsRecordType   = "digitalocean:index/dnsRecord:DnsRecord"
	managedType     = "digitalocean:index/certificate:Certificate"
	paramsType      = "kubernetes:eks.amazonaws.com/v1:IngressClassParams"
)

// withHost returns the part of the configuration with the service's names.
func withHost(name string, more ...string) string {
	return fmt.Sprintf("  escala:service:\n    host: %s\n%s", name, strings.Join(more, ""))
}

// column returns an input of all resources of a type, sorted.
func column(events []offline.Event, kind, key string) []string {
	var all []string
	for _, e := range events {
		if e.Type == kind {
			all = append(all, text(e, key))
		}
	}
	slices.Sort(all)
	return all
}

// TestEKSZone checks the life of host names: certificates, the records that
// validate them, and aliases to a load balancer whose name is known only after its
// creation.
func TestEKSZone(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	zone := account.Zone("example.com")
	c := eks
	c.aws = account
	m := openManaged(t, c)
	m.describe("    zone: example.com\n", withHost("api.example.com"))
	_, err := m.preview()
	require.NoError(t, err)
	assert.Empty(t, m.since(0), "a preview changes nothing")

	first := m.mustUp()
	inOrder(t, m.since(0), "create", certificateType, recordType+" certificate-api.example.com", issuedType, paramsType, deploymentType, recordType+" dns-api.example.com")
	assert.Equal(t, m.cluster.Hostname, first["address"])
	assert.Zero(t, account.Occurrences("listener-needs-an-issued-certificate"))
	assert.Equal(t, 1, account.Occurrences("alias-needs-the-balancers-zone"))
	assert.Equal(t, 1, account.Occurrences("validation-record-is-the-names"))
	for _, record := range m.existingOf(recordType) {
		assert.Equal(t, zone, text(record, "zoneId"))
	}
	m.unchanged("right after the first update")

	// Another name leaves the host's certificate alone.
	before := m.mark()
	m.describe("    zone: example.com\n", withHost("api.example.com", "    tls:\n      names: [www.example.com]\n"))
	m.mustUp()
	assert.Equal(t, []string{"api.example.com", "www.example.com"}, column(m.existingOf(certificateType), certificateType, "domainName"))
	assert.Empty(t, kinds(m.since(before), "delete", "aws:"))

	// Another host gets its certificate and its record before the old ones are
	// deleted.
	before = m.mark()
	m.describe("    zone: example.com\n", withHost("new.example.com"))
	m.mustUp()
	moved := m.since(before)
	inOrder(t, moved, "create", issuedType, recordType+" dns-new.example.com")
	assert.Less(t, kinds(moved, "create", recordType+" dns-new.example.com")[0], kinds(moved, "delete", recordType+" dns-api.example.com")[0])
	assert.Equal(t, []string{"new.example.com"}, column(m.existingOf(certificateType), certificateType, "domainName"))
	m.unchanged("after the move")

	// Without HTTPS no listener uses the certificate, so it is deleted.
	m.describe("", withHost("new.example.com", "    tls:\n      mode: \"off\"\n"))
	m.mustUp()
	assert.Empty(t, m.existingOf(certificateType))
	assert.Empty(t, m.existingOf(recordType))
	assert.Zero(t, account.Occurrences("certificate-in-use"))

	m.describe("    zone: example.com\n", withHost("api.example.com"))
	m.mustUp()
	require.NoError(t, m.destroy(), "in one go")
	assert.Empty(t, account.All())
	assert.Zero(t, account.Occurrences("certificate-in-use"))
}

// ownCertificate returns a certificate of the operator with its key.
func ownCertificate(t *testing.T, name string, key crypto.Signer) string {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 3, 0),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// TestEKSOwnCertificate checks that an operator's own certificate can be renewed,
// also with a key of another type.
func TestEKSOwnCertificate(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	c := eks
	c.aws = account
	m := openManaged(t, c)
	use := func(key crypto.Signer) {
		m.describe("", toOps, withHost("api.example.com", "    tls:\n      mode: certificate\n      certificate: TLS\n"))
		m.setSecret("TLS", ownCertificate(t, "api.example.com", key))
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	use(edKey)
	_, err = m.up()
	require.Error(t, err)
	assert.Contains(t, m.log.String(), "secrets.TLS: has a key of type Ed25519; ACM takes RSA, and ECDSA")
	assert.Empty(t, m.since(0))
	for _, key := range []crypto.Signer{rsaKey, rsaKey, ecKey} {
		use(key)
		before := m.mark()
		m.mustUp()
		if before > 0 {
			moved := m.since(before)
			inOrder(t, moved, "create", certificateType)
			assert.Less(t, kinds(moved, "update", paramsType)[0], kinds(moved, "delete", certificateType)[0], "a load balancer always has a certificate")
			assert.Len(t, kinds(moved, "update", metricAlarmType), 1, "its alarm follows")
		}
		assert.Len(t, m.existingOf(certificateType), 1)
		assert.Equal(t, []string{m.existingOf(certificateType)[0].ID}, m.watchedIn("CertificateArn"))
		m.unchanged("after it")
	}
	for _, name := range []string{"import-keeps-the-key", "import-takes-keys", "certificate-in-use", "alarm-watches-nothing"} {
		assert.Zero(t, account.Occurrences(name), name)
	}
}

// TestEKSCertificateIsGivenUp checks that a stack recovers when its zone was
// delegated too late. The validation in ACM has timed out, and a refresh lets the
// next update order another certificate instead of waiting for this one.
func TestEKSCertificateIsGivenUp(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	account.Zone("example.com")
	account.Delegate(false)
	c := eks
	c.aws = account
	m := openManaged(t, c)
	m.describe("", withHost("api.example.com", "    dns: true\n"))
	_, err := m.up()
	require.Error(t, err)
	assert.Contains(t, m.log.String(), "PENDING_VALIDATION")
	account.TimeOutCertificates()
	account.Delegate(true)
	_, err = m.up()
	require.Error(t, err)
	assert.Contains(t, m.log.String(), "VALIDATION_TIMED_OUT")
	_, err = m.refresh()
	require.NoError(t, err)
	m.mustUp()
	assert.Equal(t, 2, account.Occurrences("certificate-is-given-up"), "it was waited for, and read")
	m.unchanged("after it")
}

// TestEKSRecordExists checks that an existing record is not overwritten.
func TestEKSRecordExists(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	account.Record(account.Zone("example.com"), "api.example.com", "A")
	c := eks
	c.aws = account
	m := openManaged(t, c)
	m.describe("", withHost("api.example.com", "    dns: true\n"))
	_, err := m.up()
	require.Error(t, err)
	assert.Equal(t, 1, account.Occurrences("record-exists"))
	assert.Contains(t, m.log.String(), "resource record set [name='api.example.com.', type='A'] but it already exists")
	_, serves := answeredBy(t, m.cluster.URL())
	assert.NotEmpty(t, serves, "the service serves")
}

// TestEKSNamesBadInput checks that all errors are reported before any resource is
// created.
func TestEKSNamesBadInput(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	account.Zone("example.com")
	account.Zone("twice.example")
	account.Zone("twice.example")
	c := eks
	c.aws = account
	m := openManaged(t, c)
	for _, one := range []struct {
		section, service string
		said             []string
	}{
		{"    zone: example.com\n", withHost("api.example.org"), []string{`eks.zone: "example.com" does not hold api.example.org`}},
		{"", withHost("api.example.org", "    dns: true\n"), []string{"the account has no public hosted zone for api.example.org"}},
		{"", withHost("api.twice.example", "    dns: true\n"), []string{`the account has several zones "twice.example"; give the id of one`}},
		{"    zone: Z999999\n", withHost("api.example.com"), []string{`the account has no public hosted zone "Z999999"`}},
		{"    zone: example.com\n", "", []string{"service.host: is not set, but eks.zone is"}},
		{"    certificateArn: arn:aws:acm:eu-central-1:123456789012:certificate/0123abcd\n", withHost("api.example.com", "    tls:\n      mode: acme\n      email: ops@example.com\n"), []string{
			`service.tls.mode: is "acme", but eks.certificateArn names a certificate`,
		}},
		{"    zone: example.com\n", withHost("api.example.com", "    tls:\n      email: ops@example.com\n      hsts: 24h\n"), []string{
			"service.tls.email: is set, but the load balancer's certificate is issued by Amazon's own authority (ACM)", "service.tls.hsts: is set, but in a cluster",
		}},
		{"", "  escala:service:\n    tls:\n      mode: ip\n", []string{`service.tls.mode: is "ip", which is for a machine's own address`}},
		{"    issuer: letsencrypt\n", withHost("api.example.com"), []string{"eks.issuer: is set, but a load balancer of AWS has its certificates from ACM"}},
	} {
		m.describe(one.section, one.service)
		_, err := m.up()
		require.Error(t, err)
		for _, said := range one.said {
			assert.Contains(t, m.log.String(), said)
		}
	}
	assert.Empty(t, m.since(0), "nothing was asked for")
}

// TestDOKSNames checks the life of host names at DigitalOcean.
func TestDOKSNames(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	m := openDOKS(t, account)
	m.describe("", withHost("api.example.com", "    dns: true\n"))
	_, err := m.up()
	require.Error(t, err)
	assert.Contains(t, m.log.String(), "doks.domain: the account has no domain for api.example.com")
	assert.Empty(t, m.since(0))

	account.Domain("example.com")
	first := m.mustUp()
	inOrder(t, m.since(0), "create", managedType, releaseType+" api-traefik", deploymentType, dnsRecordType)
	assert.Equal(t, "127.0.0.1", first["address"])
	assert.Contains(t, first["https"], "waiting: api.example.com: 127.0.0.1:443 does not answer HTTPS", "nothing terminates TLS here")
	record := m.existingOf(dnsRecordType)[0]
	assert.Equal(t, []string{"example.com", "api", "127.0.0.1"}, []string{text(record, "domain"), text(record, "name"), text(record, "value")})
	assert.Zero(t, account.Occurrences("certificate-takes-the-apex"))
	m.unchanged("right after the first update")

	before := m.mark()
	m.describe("", withHost("api.example.com", "    dns: true\n    tls:\n      names: [example.com]\n"))
	m.mustUp()
	moved := m.since(before)
	inOrder(t, moved, "create", managedType, dnsRecordType)
	assert.Less(t, kinds(moved, "update", releaseType)[0], kinds(moved, "delete", managedType)[0], "a load balancer always has a certificate")
	assert.Equal(t, []string{"@", "api"}, column(m.existingOf(dnsRecordType), dnsRecordType, "name"))
	assert.Zero(t, account.Occurrences("certificate-in-use"))
	assert.Zero(t, account.Occurrences("certificate-name-taken"))
	m.unchanged("with another name")

	require.NoError(t, m.destroy(), "in one go")
	assert.Empty(t, account.All())
	assert.Zero(t, account.Occurrences("records-add-up"))
	assert.Zero(t, account.Occurrences("domain-must-be-there"))
}

// TestDOKSRecordExists checks that no second address is added to a name.
func TestDOKSRecordExists(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	account.Domain("example.com")
	account.Record("example.com", "api", "A", "203.0.113.9")
	m := openDOKS(t, account)
	m.describe("", withHost("api.example.com", "    dns: true\n"))
	_, err := m.up()
	require.Error(t, err)
	assert.Contains(t, m.log.String(), "api.example.com already leads to 203.0.113.9, by a record that is not this stack's")
	assert.Empty(t, m.existingOf(dnsRecordType))
	assert.Zero(t, account.Occurrences("records-add-up"))
	_, serves := answeredBy(t, m.cluster.URL())
	assert.NotEmpty(t, serves, "the service serves")
}

// TestDOKSTraefikGetsItsCertificate checks the life without DigitalOcean's DNS: one
// Traefik with a volume orders the certificate, and the load balancer has none.
func TestDOKSTraefikGetsItsCertificate(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	m := openDOKS(t, account)
	m.describe("", withHost("api.example.com", "    tls:\n      mode: acme\n      authority: staging\n"))
	m.mustUp()
	assert.Empty(t, m.existingOf(managedType))
	assert.Empty(t, m.existingOf(dnsRecordType))
	m.unchanged("right after the first update")
	require.NoError(t, m.destroy())
	assert.Empty(t, account.All())
}

// TestCertManagerIsThere checks that cert-manager issues the certificate on any
// cluster, and that a cluster without it is reported before any resource is
// created.
func TestCertManagerIsThere(t *testing.T) {
	t.Parallel()
	c := openCluster(t)
	c.describe(withHost("api.example.com", "    tls:\n      mode: acme\n      email: ops@example.com\n"))
	_, err := c.up()
	require.Error(t, err)
	assert.Contains(t, c.log.String(), "service.tls.mode: the cluster has no cert-manager")
	assert.Empty(t, c.since(0))

	c.cluster.CertManager = true
	c.mustUp()
	issuer := c.object("kubernetes:cert-manager.io/v1:Issuer")
	assert.Equal(t, map[string]any{"acme": map[string]any{
		"server": "https://acme-v02.api.letsencrypt.org/directory", "email": "ops@example.com",
		"privateKeySecretRef": map[string]any{"name": "api-acme-account"},
		"solvers":             []any{map[string]any{"http01": map[string]any{"ingress": map[string]any{}}}},
	}}, issuer["spec"])
	ingress := c.object("kubernetes:networking.k8s.io/v1:Ingress")
	annotations := ingress["metadata"].(map[string]any)["annotations"].(map[string]any)
	assert.Equal(t, "api", annotations["cert-manager.io/issuer"])
	assert.Equal(t, []any{map[string]any{"hosts": []any{"api.example.com"}, "secretName": "api-tls"}}, ingress["spec"].(map[string]any)["tls"])
	c.unchanged("right after the first update")
	require.NoError(t, c.destroy())
}
