package cloudinit

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/service"
)

func TestHTTPSNeedsASeed(t *testing.T) {
	t.Parallel()
	m := testMachine(service.NewSpec())
	m.Spec.Host = "api.example.com"
	_, err := m.UserData()
	require.ErrorContains(t, err, "this machine has no secret store for the seed of its keys")
	m.Spec.Host, m.Spec.TLS.Mode = "", service.TLSIP
	m.Secrets = FileSecrets{}
	_, err = m.UserData()
	require.ErrorContains(t, err, `the machine's public address "" is not an address`)
}

// TestPlainHTTPIsAsBefore checks that TLS.Mode off is the same as no host. The
// golden files show that a machine without HTTPS has no file, package, unit or line
// of it.
func TestPlainHTTPIsAsBefore(t *testing.T) {
	t.Parallel()
	plain := testMachine(service.NewSpec())
	want, err := plain.UserData()
	require.NoError(t, err)
	off := testMachine(service.NewSpec())
	off.Spec.Host, off.Spec.TLS.Mode = "api.example.com", service.TLSOff
	got, err := off.UserData()
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
	assert.NotContains(t, string(want), "lua")
	assert.NotContains(t, string(want), "443")
}

// TestSecretsOfHTTPSReachNoWorker checks that on AWS neither the seed nor an own
// certificate is in user-data. A file of secrets has them, for root alone, and no
// worker's environment does.
func TestSecretsOfHTTPSReachNoWorker(t *testing.T) {
	t.Parallel()
	m := droplet()
	m.Spec.Host, m.Spec.TLS.Mode, m.Spec.TLS.Certificate = "api.example.com", service.TLSCertificate, "CERT"
	m.Secrets = FileSecrets{Values: map[string]string{"DATABASE_URL": "db"}, TLS: TLSSecrets{Seed: "5eed", Certificate: "PEM"}}
	files, err := m.files()
	require.NoError(t, err)
	for _, f := range files {
		switch f.Path {
		case secretsFile:
			var all map[string]string
			require.NoError(t, json.Unmarshal([]byte(f.Content), &all))
			assert.Equal(t, map[string]string{"DATABASE_URL": "db", "tls-seed": "5eed", "tls-certificate": "PEM"}, all)
			assert.True(t, f.RootOnly)
		case host.ConfigFile:
			var c host.Config
			require.NoError(t, json.Unmarshal([]byte(f.Content), &c))
			assert.Equal(t, []string{"DATABASE_URL"}, c.Secrets.Names)
			assert.Empty(t, c.Certificate.Directory, "an own certificate asks no authority")
		default:
			assert.NotContains(t, f.Content, "5eed", f.Path)
		}
	}
}

func TestFolderStoreSharesAFolderOfItsOwn(t *testing.T) {
	t.Parallel()
	m := testMachine(service.NewSpec())
	m.Spec.Host = "api.example.com"
	m.Secrets = FileSecrets{TLS: TLSSecrets{Seed: strings.Repeat("5eed", 16)}}
	m.TLS.AuthorityCA = "roots"
	files, err := m.files()
	require.NoError(t, err)
	for _, f := range files {
		if f.Path == host.ConfigFile {
			var c host.Config
			require.NoError(t, json.Unmarshal([]byte(f.Content), &c))
			assert.Equal(t, SharedFolder, c.Store.Shared)
			assert.Equal(t, service.AuthorityProduction, c.Certificate.Directory)
			assert.Equal(t, "roots", c.Certificate.Roots)
			return
		}
	}
	t.Fatal("there is no configuration of the agent")
}
