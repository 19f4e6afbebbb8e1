package dodroplet

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/sigv4"
	"escala/cloudinit/agent/store"
	"escala/infra/operate"
	"escala/service"
)

// TestTheWebhooksURLIsRootsOnly checks that the machine has the webhook's URL in a
// file that only root can read, and that user-data is a secret in the state.
func TestTheWebhooksURLIsRootsOnly(t *testing.T) {
	r := request(t)
	r.Spec.Secrets, r.Webhook = nil, "https://hooks.example.com/secret-token"
	m := cloud()
	require.NoError(t, m.Preview(New(), r))
	droplet := m.Only(t, "digitalocean:index/droplet:Droplet")
	assert.True(t, droplet.Secret["userData"])
	secrets := files(t, m)["/etc/escala/secrets.json"]
	assert.Contains(t, secrets["content"], "secret-token")
	assert.Equal(t, "0600", secrets["permissions"])
	assert.NotContains(t, files(t, m)["/etc/escala/agent.json"]["content"], "secret-token")
}

func TestMachinesAreFoundInTheState(t *testing.T) {
	t.Setenv("SPACES_ACCESS_KEY_ID", "")
	t.Setenv("SPACES_SECRET_ACCESS_KEY", "")
	values := map[string]string{}
	s := &operate.Stack{
		Project: "escala", Name: "production", Target: "do-droplet", Spec: service.NewSpec(),
		Resources: []operate.Resource{
			{Type: "digitalocean:index/droplet:Droplet", ID: "42", Outputs: map[string]any{"ipv4Address": "198.51.100.1"}},
			{Type: "digitalocean:index/reservedIp:ReservedIp", Outputs: map[string]any{"ipAddress": "192.0.2.2"}},
			{Type: "digitalocean:index/spacesBucket:SpacesBucket", Name: "api-releases", Outputs: map[string]any{"name": "releases", "region": "fra1"}},
			{Type: "digitalocean:index/spacesBucket:SpacesBucket", Name: "api-machines", Outputs: map[string]any{"name": "machines", "region": "fra1"}},
		},
		Config: func(_ context.Context, key string) (string, bool, error) {
			value, set := values[key]
			return value, set, nil
		},
	}
	m, err := New().machines(t.Context(), s)
	require.NoError(t, err)
	assert.Equal(t, []operate.At{{ID: "42", URLs: []string{"http://198.51.100.1", "http://192.0.2.2"}}}, m.At)
	assert.Nil(t, m.Objects)
	require.ErrorIs(t, m.NoObjects, operate.ErrNoLogin)

	key := func() sigv4.Key {
		t.Helper()
		m, err := New().machines(t.Context(), s)
		require.NoError(t, err)
		bucket, ok := m.Objects.(store.Bucket)
		require.True(t, ok)
		assert.Equal(t, "https://machines.fra1.digitaloceanspaces.com", bucket.URL)
		return bucket.Client.Credentials.(sigv4.Key)
	}
	s.Resources = append(s.Resources, operate.Resource{
		Type: "digitalocean:index/spacesKey:SpacesKey", Outputs: map[string]any{"accessKey": "machine", "secretKey": "x"},
	})
	assert.Equal(t, "machine", key().Access)
	t.Setenv("SPACES_ACCESS_KEY_ID", "environment")
	t.Setenv("SPACES_SECRET_ACCESS_KEY", "y")
	assert.Equal(t, "environment", key().Access)
	values["digitalocean:spacesAccessId"], values["digitalocean:spacesSecretKey"] = "configured", "z"
	assert.Equal(t, "configured", key().Access)
}
