package image

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// loginTo returns a keychain's login for a repository.
func loginTo(t *testing.T, keychain authn.Keychain, repository string) authn.AuthConfig {
	t.Helper()
	repo, err := name.NewRepository(repository)
	require.NoError(t, err)
	login, err := authn.Resolve(t.Context(), keychain, repo)
	require.NoError(t, err)
	config, err := login.Authorization()
	require.NoError(t, err)
	return *config
}

func TestLoginIsForItsRegistryOnly(t *testing.T) {
	keychain := loggedIn(t, "1.dkr.ecr.eu-central-1.amazonaws.com/escala/api", "AWS", "secret")
	assert.Equal(t, "secret", loginTo(t, keychain, "1.dkr.ecr.eu-central-1.amazonaws.com/other").Password)
	assert.Empty(t, loginTo(t, keychain, "registry.example.com/escala/api"))
	for _, wrong := range [][2]string{{"", "secret"}, {"AWS", ""}} {
		_, err := Login("registry.example.com/api", wrong[0], wrong[1])
		require.ErrorContains(t, err, "has no user name or no password")
	}
	_, err := Login("not a host/api", "a", "b")
	require.ErrorContains(t, err, "is not a registry")
}

func TestDockerConfig(t *testing.T) {
	keychain, err := DockerConfig(`{"auths":{"registry.digitalocean.com":{"auth":"dXNlcjpwYXNzOndvcmQ="},"https://registry.example.com":{"username":"u","password":"p"}}}`)
	require.NoError(t, err)
	assert.Equal(t, authn.AuthConfig{Username: "user", Password: "pass:word"}, loginTo(t, keychain, "registry.digitalocean.com/mine/api"))
	assert.Equal(t, authn.AuthConfig{Username: "u", Password: "p"}, loginTo(t, keychain, "registry.example.com/api"))
	assert.Empty(t, loginTo(t, keychain, "elsewhere.example.com/api"))

	for config, want := range map[string]string{
		`hunter2`:      "is not JSON",
		`{"auths":{}}`: "has no logins",
		`{"auths":{"registry.example.com":{"auth":"aHVudGVyMg=="}}}`: "is not base64 of user:password",
		`{"auths":{"registry.example.com":{"auth":"hunter2!"}}}`:     "is not base64 of user:password",
	} {
		_, err := DockerConfig(config)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "hunter2", "a secret in an error")
	}
}
