package awsec2

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/selfsigned"
	"escala/service"
)

// seed is the value of the fake cloud's random bytes.
var seed = strings.Repeat("5eed", 16)

// TestHTTPS checks what a machine gets for HTTPS: the seed as a parameter, the
// right to read it and to share certificates, and no secret in user-data.
func TestHTTPS(t *testing.T) {
	r := request()
	r.Spec.Secrets = nil
	r.Spec.Host, r.Spec.TLS.Names, r.Spec.TLS.HSTS = "api.example.com", []string{"www.example.com"}, time.Hour
	m := cloud()
	require.NoError(t, New().Check(t.Context(), r))
	require.NoError(t, m.Preview(New(), r))
	parameter := m.Only(t, "aws:ssm/parameter:Parameter")
	assert.Equal(t, "/escala/production/0011223344556677/tls-seed", parameter.Inputs["name"])
	assert.Equal(t, seed, parameter.Inputs["value"])
	assert.True(t, parameter.Secret["value"])
	secrets := m.OfType("random:index/randomBytes:RandomBytes")
	require.Len(t, secrets, 2)
	assert.Equal(t, "operator-key", secrets[0].Name, "it stays when the service is renamed")
	assert.Equal(t, "tls-seed", secrets[1].Name, "it stays when the service is renamed")
	policies := m.OfType("aws:iam/rolePolicy:RolePolicy")
	require.Len(t, policies, 2)
	require.Equal(t, "api-machine", policies[0].Name)
	policy := policies[0].Inputs["policy"]
	assert.Contains(t, policy, `{"Sid":"Certificates","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::the-bucket/certificates/*"]}`)
	assert.Contains(t, policy, "ssm:GetParameters")
	assert.NotContains(t, userData(t, m), seed)

	r.Spec.TLS = service.NewTLS()
	r.Spec.TLS.Mode = service.TLSOff
	m = deployed(t, New(), r)
	assert.Equal(t, "operator-key", m.Only(t, "random:index/randomBytes:RandomBytes").Name)
	assert.Empty(t, m.OfType("aws:ssm/parameter:Parameter"))
	assert.NotContains(t, fmt.Sprint(m.OfType("aws:iam/rolePolicy:RolePolicy")), "certificates/")
}

// TestHTTPSOnTheAddress checks that the machine knows the address that its
// certificate is for.
func TestHTTPSOnTheAddress(t *testing.T) {
	r := request()
	r.Spec.TLS.Mode = service.TLSIP
	m := cloud()
	require.NoError(t, New().Check(t.Context(), r))
	require.NoError(t, m.Preview(New(), r))
	assert.Contains(t, userData(t, m), "192.0.2.2", "the Elastic IP's")
	assert.NotContains(t, userData(t, deployed(t, New(), request())), "192.0.2.2")
}

// TestOwnCertificate checks that the operator's own certificate reaches the machine
// as a parameter, and that a bad certificate is found before anything is created.
func TestOwnCertificate(t *testing.T) {
	r := request()
	r.Spec.Host, r.Spec.TLS.Mode, r.Spec.TLS.Certificate = "api.example.com", service.TLSCertificate, "TLS_CERTIFICATE"
	r.Secrets["TLS_CERTIFICATE"] = selfsigned.PEM(t, "www.example.com")
	require.ErrorContains(t, New().Check(t.Context(), r), "secrets.TLS_CERTIFICATE: the certificate in secret TLS_CERTIFICATE is for www.example.com, not for api.example.com")
	r.Secrets["TLS_CERTIFICATE"] = selfsigned.PEM(t, "api.example.com") + strings.Repeat(" ", parameterBytes)
	require.ErrorContains(t, New().Check(t.Context(), r), "secrets.TLS_CERTIFICATE: has")
	r.Secrets["TLS_CERTIFICATE"] = selfsigned.PEM(t, "api.example.com")
	require.NoError(t, New().Check(t.Context(), r))
	m := cloud()
	require.NoError(t, m.Preview(New(), r))
	var names []string
	for _, parameter := range m.OfType("aws:ssm/parameter:Parameter") {
		names = append(names, parameter.Inputs["name"].(string))
		assert.True(t, parameter.Secret["value"])
	}
	assert.Contains(t, names, "/escala/production/0011223344556677/tls-certificate")
	assert.NotContains(t, names, "/escala/production/0011223344556677/TLS_CERTIFICATE")
	assert.NotContains(t, userData(t, m), "PRIVATE KEY")

	r.Spec.TLS = service.NewTLS()
	r.Spec.TLS.Authority, r.Spec.TLS.AuthorityCA = "https://ca.example/directory", "roots.pem"
	require.ErrorContains(t, New().Check(t.Context(), r), `service.tls.authorityCA: "roots.pem" cannot be read`)
	s := NewSettings()
	s.DNSZone = "example.org"
	require.ErrorContains(t, (&EC2{settings: s}).Check(t.Context(), r), `aws.dnsZone: "example.org" does not hold api.example.com`)
}
