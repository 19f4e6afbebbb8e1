package cloudinit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// TestTheWebhooksURLIsOnlyInTheSecrets checks that the webhook's URL is only in the
// file that root alone can read, and that a machine without one has no trace of it.
func TestTheWebhooksURLIsOnlyInTheSecrets(t *testing.T) {
	const url = "https://hooks.example.com/secret-token"
	m := NewMachine(service.NewSpec())
	m.Agent = service.ReleaseID(strings.Repeat("0", 64))
	files, err := m.files()
	require.NoError(t, err)
	for _, f := range files {
		assert.NotContains(t, f.Content, "notify", f.Path)
	}
	m.Notify = "escala/x"
	_, err = m.UserData()
	require.ErrorContains(t, err, "no secret store for the webhook's URL")
	m.Secrets = FileSecrets{Webhook: url}
	files, err = m.files()
	require.NoError(t, err)
	var secret, notify int
	for _, f := range files {
		if strings.Contains(f.Content, url) {
			secret++
			assert.True(t, f.RootOnly, f.Path)
		}
		if strings.Contains(f.Content, `"stack": "escala/x"`) {
			notify++
		}
	}
	assert.Equal(t, 1, secret)
	assert.Equal(t, 1, notify)
}
