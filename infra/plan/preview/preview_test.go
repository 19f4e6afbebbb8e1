package preview

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/plan"
	"escala/infra/targets"
)

// previewed previews a stack on the real engine, in a clone whose service is
// one line.
func previewed(t *testing.T, config string) (plan.Stack, *plan.Secrets) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs Pulumi's engine")
	}
	clone := t.TempDir()
	for path, content := range map[string]string{
		"go.mod":                  "module escala\n\ngo 1.26\n",
		"service/cmd/api/main.go": "package main\n\nfunc main() {}\n",
		"cloudinit/agent/cmd/escala-agent/main.go": "package main\n\nfunc main() {}\n",
		"infra/targets/local/authority/main.go":    "package main\n\nfunc main() {}\n",
		"infra/targets/local/forwarder/main.go":    "package main\n\nfunc main() {}\n",
		"stacks/Pulumi.x.yaml":                     config,
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(clone, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(clone, path), []byte(content), 0o644))
	}
	t.Setenv("TMPDIR", t.TempDir())
	// The user's own environment must have no effect.
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "another")
	s, secrets, err := Stack(t.Context(), Options{Root: clone, Stack: "x", Targets: targets.All})
	require.NoError(t, err)
	left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "escala-*"))
	require.NoError(t, err)
	assert.Empty(t, left, "nothing is left behind")
	return s, secrets
}

const secretStack = `config:
  pulumi:disable-default-providers: ["*"]
  escala:target: do-droplet
  escala:service:
    secrets: [DATABASE_URL]
  escala:secrets:
    DATABASE_URL:
      secure: v1:c29tZWJvZHk=:ZWxzZSdz
`

func TestAStackWithOthersSecretsIsPlanned(t *testing.T) {
	s, secrets := previewed(t, secretStack)
	require.Empty(t, s.Error)
	assert.Equal(t, "do-droplet", s.Target)
	assert.Len(t, s.Release, 64)
	assert.Equal(t, []string{"escala:secrets.DATABASE_URL"}, s.Placeholders)
	assert.Equal(t, 1, s.Types()["digitalocean:index/droplet:Droplet"])
	for _, r := range s.Resources {
		if r.Type == "digitalocean:index/droplet:Droplet" {
			assert.Contains(t, r.ReplacedBy, "userData", "by the provider")
			assert.Contains(t, r.ReplacedBy, "size", "by the program")
			assert.True(t, r.Secret["userData"])
		}
	}
	require.Len(t, s.Machines, 1)
	files := map[string]plan.File{}
	for _, f := range s.Machines[0].Files {
		files[f.Path] = f
	}
	assert.Contains(t, files["/etc/nginx/nginx.conf"].Content, "proxy_pass http://api;")
	secret := files["/etc/escala/secrets.json"]
	assert.Contains(t, secret.Raw, "placeholder-for-escala:secrets.DATABASE_URL")
	assert.Equal(t, []string{"the value of escala:secrets.DATABASE_URL"}, secrets.Found(secret.Raw))
	key := files["/etc/escala/store-key.json"]
	assert.Equal(t, []string{"the SpacesKey api-machine's secretKey"}, secrets.Found(key.Raw), "a secret that the cloud makes")

	out, err := json.Marshal(s)
	require.NoError(t, err)
	assert.NotContains(t, string(out), "placeholder-for-")
	assert.NotContains(t, string(out), "-secretKey'")
	assert.NotContains(t, string(out), os.TempDir(), "no path of this computer")

	again, _ := previewed(t, secretStack)
	same, err := json.Marshal(again)
	require.NoError(t, err)
	assert.Equal(t, string(out), string(same), "the same each time, wherever the clone is")
}

func TestALocalStackWithAHostIsPlanned(t *testing.T) {
	s, _ := previewed(t, "config:\n  escala:target: local\n  escala:service: {host: api.localhost}\n")
	require.Empty(t, s.Error)
	assert.Equal(t, 1, s.Types()["escala:local:Authority"])
	require.Len(t, s.Machines, 1)
}

func TestHTTPSOnTheAddressIsPlanned(t *testing.T) {
	for _, target := range []string{"aws-ec2", "do-droplet"} {
		s, _ := previewed(t, "config:\n  escala:target: "+target+"\n  escala:service: {tls: {mode: ip}}\n")
		require.Empty(t, s.Error, target)
		require.Len(t, s.Machines, 1, target)
	}
}

func TestAConfigurationThatCannotBeUsedIsTheStacksError(t *testing.T) {
	s, _ := previewed(t, "config:\n  escala:target: local\n  escala:local:\n    prot: 1\n")
	assert.Equal(t, "the configuration of stack x cannot be used, nothing was changed:\n  local.prot: is not a key; did you mean \"port\"?", s.Error)
	assert.Empty(t, s.Resources)
}
