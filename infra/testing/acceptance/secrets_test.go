package acceptance

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/pkg/v3/secrets/passphrase"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
)

// setSecret sets a secret as `pulumi config set --secret` does.
func (s *stack) setSecret(name, value string) {
	s.t.Helper()
	if s.secrets == nil {
		s.secrets = map[string]string{}
	}
	s.secrets[name] = value
}

// encrypted returns the configuration with the secrets in the CLI's format.
func (s *stack) encrypted() string {
	s.t.Helper()
	if s.key == nil {
		var err error
		s.salt, s.key, err = passphrase.NewPassphraseSecretsManager(os.Getenv("PULUMI_CONFIG_PASSPHRASE"))
		require.NoError(s.t, err)
	}
	var text strings.Builder
	text.WriteString("encryptionsalt: " + s.salt + "\n" + s.lines + "  escala:secrets:\n")
	for name, value := range s.secrets {
		secure, err := s.key.Encrypter().EncryptValue(s.t.Context(), value)
		require.NoError(s.t, err)
		text.WriteString("    " + name + ": {secure: \"" + secure + "\"}\n")
	}
	return text.String()
}

// TestSecrets checks that secrets reach the cloud as secrets and never appear
// in plain text: not in Pulumi's state, not in its display, and on AWS not in
// user-data. A new value reaches the service by a new machine.
func TestSecrets(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, c cloud) {
		const first, second = "correct horse battery staple", "another one altogether"
		s := open(t, c)
		s.configure("  escala:service:\n    secrets: [DATABASE_URL]\n")
		_, err := s.up()
		require.Error(t, err)
		assert.Contains(t, s.log.String(), "secrets.DATABASE_URL: is not set, but service.secrets lists it")
		assert.Empty(t, s.cloudProvider.Events(), "nothing was asked for")

		s.setSecret("DATABASE_URL", first)
		s.mustUp()
		assert.NotContains(t, s.log.String(), first)
		require.Len(t, s.existingOf(c.machine), 1)
		machine := s.existingOf(c.machine)[0]
		userData, err := c.userData(machine)
		require.NoError(t, err)
		received := 0
		for _, e := range s.cloudProvider.Existing() {
			inputs, err := json.Marshal(offline.Plain(e.Inputs))
			require.NoError(t, err)
			if strings.Contains(string(inputs), first) {
				received++
				assert.True(t, containsSecret(e, first), "%s is told that it is a secret", e)
			}
		}
		assert.Equal(t, 1, received, "one resource carries it")
		if c.stack == aws.stack {
			assert.NotContains(t, userData, first)
		}
		s.requireNotInState(first)

		mark := s.world.mark()
		s.setSecret("DATABASE_URL", second)
		s.mustUp()
		require.Len(t, s.existingOf(c.machine), 1)
		assert.NotEqual(t, machine.ID, s.existingOf(c.machine)[0].ID)
		order(t, s.world.since(mark), "boot "+s.existingOf(c.machine)[0].ID, "move to "+s.existingOf(c.machine)[0].ID, "terminate "+machine.ID)
	})
}

// containsSecret reports whether all inputs that contain a text are marked
// secret.
func containsSecret(e offline.Event, text string) bool {
	for _, value := range e.Inputs {
		plain, err := json.Marshal(offline.Plain(resource.PropertyMap{"value": value}))
		if err != nil || (strings.Contains(string(plain), text) && !value.ContainsSecrets()) {
			return false
		}
	}
	return true
}

// requireNotInState searches everything that Pulumi stores.
func (s *stack) requireNotInState(text string) {
	s.t.Helper()
	files := 0
	require.NoError(s.t, filepath.WalkDir(filepath.Join(s.clone, "pulumi"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		assert.NotContains(s.t, string(content), text, path)
		return nil
	}))
	assert.NotZero(s.t, files)
}

// TestSecretsInTheClear checks that plain-text secrets are refused.
func TestSecretsInTheClear(t *testing.T) {
	t.Parallel()
	s := open(t, digitalOcean)
	s.configure("  escala:service:\n    secrets: [DATABASE_URL]\n  escala:secrets:\n    DATABASE_URL: in the clear\n")
	_, err := s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), "secrets: are not encrypted in the configuration")
	assert.Empty(t, s.cloudProvider.Events())
}

// TestBadInput checks that all errors are reported at once, before any resource
// is registered.
func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		cloud cloud
		yaml  string
		said  []string
	}{
		{aws, `  escala:aws:
    region: Frankfurt
    cidr: 10.0.0.0/8
    instancetype: t4g.small
  escala:service:
    workers:
      mode: ports
      count: 0
      portsBase: 65535
`, []string{
			`aws.region: "Frankfurt" is not a region`, "aws.cidr: /8 is not from /16 to /28",
			`aws.instancetype: is not a key; did you mean "instanceType"?`, "service.workers.count: 0 is not from 2 to 64",
		}},
		{aws, `  escala:aws:
    arch: amd64
    instanceType: t4g.small
    subnetId: subnet-0123456789abcdef0
    vpcId: vpc-00000000000000000
`, []string{
			`aws.instanceType: "t4g.small" is for [arm64], but aws.arch is "amd64"`,
			"aws.subnetId: subnet-0123456789abcdef0 is a subnet of vpc-0123456789abcdef0, not of aws.vpcId vpc-00000000000000000",
		}},
		{digitalOcean, `  escala:digitalocean:
    image: ""
    cidr: 8.8.8.0/24
    generation: 0
`, []string{
			`digitalocean.image: "" is not the slug of an image`, `digitalocean.cidr: "8.8.8.0/24" is not a private IPv4 range`, "digitalocean.generation: 0 is below 1",
		}},
		{digitalOcean, `  escala:digitalocean:
    region: atlantis
    spacesRegion: fra1
    image: debian-99-x64
`, []string{
			`digitalocean.region: "atlantis" is not available`, `digitalocean.image: "debian-99-x64" is not available`,
		}},
	} {
		s := open(t, one.cloud)
		s.configure(one.yaml)
		_, err := s.up()
		require.Error(t, err)
		assert.Contains(t, s.log.String(), "cannot be used, nothing was changed")
		for _, said := range one.said {
			assert.Contains(t, s.log.String(), said)
		}
		assert.Empty(t, s.cloudProvider.Events(), "nothing was asked for")
	}
}
