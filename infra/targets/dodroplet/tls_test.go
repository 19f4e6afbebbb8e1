package dodroplet

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/selfsigned"
	"escala/service"
)

// seed is the value of the fake cloud's random bytes.
var seed = strings.Repeat("5eed", 16)

// TestHTTPS checks that a machine gets the seed in a file that only root reads,
// and that the state has user-data as a secret.
func TestHTTPS(t *testing.T) {
	r := request(t)
	r.Spec.Secrets = nil
	r.Spec.Host = "api.example.com"
	m := cloud()
	require.NoError(t, New().Check(t.Context(), r))
	require.NoError(t, m.Preview(New(), r))
	droplet := m.Only(t, "digitalocean:index/droplet:Droplet")
	assert.Contains(t, droplet.Inputs["userData"], seed)
	assert.True(t, droplet.Secret["userData"])
	secrets := m.OfType("random:index/randomBytes:RandomBytes")
	require.Len(t, secrets, 2)
	assert.Equal(t, "operator-key", secrets[0].Name)
	assert.Equal(t, "tls-seed", secrets[1].Name)
}

// TestOwnCertificate checks that the operator's own certificate is not among the
// secrets that workers get.
func TestOwnCertificate(t *testing.T) {
	r := request(t)
	r.Spec.Host, r.Spec.TLS.Mode, r.Spec.TLS.Certificate = "api.example.com", service.TLSCertificate, "TLS_CERTIFICATE"
	r.Secrets["TLS_CERTIFICATE"] = selfsigned.PEM(t, "api.example.com")
	require.NoError(t, New().Check(t.Context(), r))
	m := cloud()
	require.NoError(t, m.Preview(New(), r))
	data := m.Only(t, "digitalocean:index/droplet:Droplet").Inputs["userData"].(string)
	assert.Contains(t, data, `"tls-certificate":`)
	assert.NotContains(t, data, "TLS_CERTIFICATE")
	r.Secrets["TLS_CERTIFICATE"] = "no PEM"
	require.ErrorContains(t, New().Check(t.Context(), r), "secrets.TLS_CERTIFICATE: the certificate in secret TLS_CERTIFICATE has no certificate in PEM")
}

// TestHTTPSOnTheAddress checks that the machine knows the address that its
// certificate is for.
func TestHTTPSOnTheAddress(t *testing.T) {
	r := request(t)
	r.Spec.TLS.Mode = service.TLSIP
	m := cloud()
	require.NoError(t, New().Check(t.Context(), r))
	require.NoError(t, m.Preview(New(), r))
	assert.Contains(t, m.Only(t, "digitalocean:index/droplet:Droplet").Inputs["userData"], "192.0.2.2", "the Reserved IP's")
}
