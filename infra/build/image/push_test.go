package image

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPushSendsOnlyWhatIsNotThere(t *testing.T) {
	s := serveRegistry(t, nil)
	repository := s.repository("team/api")
	img := built(t, args(t))
	reference, pushed, err := img.Push(t.Context(), repository, nobody{})
	require.NoError(t, err)
	assert.True(t, pushed)
	assert.Equal(t, repository+"@"+img.Digest(), reference)
	assert.NotEmpty(t, s.writes())

	digest, err := name.NewDigest(reference)
	require.NoError(t, err)
	pulled, err := remote.Index(digest)
	require.NoError(t, err)
	require.NoError(t, validate.Index(pulled), "every blob is there, and what it says it is")

	again, pushed, err := built(t, args(t)).Push(t.Context(), repository, nobody{})
	require.NoError(t, err)
	assert.False(t, pushed)
	assert.Equal(t, reference, again)
	assert.Empty(t, s.writes(), "the second push sent something")

	// The other release has the same arm64 binary, whose image is not sent
	// again.
	other := args(t)
	other.Binaries[amd64] = binary(t, "for amd64, newer")
	next, pushed, err := built(t, other).Push(t.Context(), repository, nobody{})
	require.NoError(t, err)
	assert.True(t, pushed)
	assert.NotEqual(t, reference, next)
	uploads := 0
	for _, w := range s.writes() {
		if strings.HasPrefix(w, "POST ") {
			uploads++
		}
	}
	assert.Equal(t, 2, uploads, "one binary's layer and one configuration")
	_, err = remote.Index(digest)
	require.NoError(t, err, "what a rollback goes back to stays")
}

func TestPushPutsBackATagOrAPlatformThatWent(t *testing.T) {
	s := serveRegistry(t, nil)
	img := built(t, args(t))
	repository, err := name.NewRepository(s.repository("api"))
	require.NoError(t, err)
	_, _, err = img.Push(t.Context(), repository.Name(), nobody{})
	require.NoError(t, err)
	manifest, err := img.index.IndexManifest()
	require.NoError(t, err)
	for _, gone := range []name.Reference{repository.Tag(img.Tag()), repository.Digest(manifest.Manifests[1].Digest.String())} {
		require.NoError(t, remote.Delete(gone))
		_, pushed, err := img.Push(t.Context(), repository.Name(), nobody{})
		require.NoError(t, err)
		assert.True(t, pushed, gone.Name())
		_, err = remote.Head(gone)
		require.NoError(t, err, gone.Name())
	}
}

func TestPushLogsIn(t *testing.T) {
	s := serveRegistry(t, login("AWS", "open sesame"))
	repository := s.repository("api")
	img := built(t, args(t))
	reference, pushed, err := img.Push(t.Context(), repository, loggedIn(t, repository, "AWS", "open sesame"))
	require.NoError(t, err)
	assert.True(t, pushed)
	there, err := name.ParseReference(reference)
	require.NoError(t, err)
	_, err = remote.Get(there, remote.WithAuthFromKeychain(loggedIn(t, s.host, "AWS", "open sesame")))
	require.NoError(t, err)

	for what, keychain := range map[string]authn.Keychain{
		"nobody":         nobody{},
		"wrong password": loggedIn(t, repository, "AWS", "guessed"),
		"elsewhere":      loggedIn(t, "registry.example.com/api", "AWS", "open sesame"),
	} {
		_, _, err := img.Push(t.Context(), repository, keychain)
		require.ErrorContains(t, err, "`docker login "+s.host+"`", what)
		require.ErrorContains(t, err, "pushing the image to "+repository, what)
		assert.NotContains(t, err.Error(), "guessed", what)
	}
}

func TestPushSaysWhatTheRegistryRefused(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		code   string
		want   string
	}{
		"may pull but not push": {http.StatusForbidden, "DENIED", "with an account that may push"},
		"no such repository":    {http.StatusNotFound, "NAME_UNKNOWN", "has no repository api"},
	} {
		s := serveRegistry(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				refuse(w, c.status, c.code)
				return true
			}
			return false
		})
		_, _, err := built(t, args(t)).Push(t.Context(), s.repository("api"), nobody{})
		require.ErrorContains(t, err, "pushing the image to "+s.repository("api"), name)
		require.ErrorContains(t, err, c.want, name)
		assert.ErrorContains(t, err, c.code+": the registry's own words", name)
	}
}

func TestPushEndsWithItsContext(t *testing.T) {
	s := serveRegistry(t, nil)
	img := built(t, args(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := img.Push(ctx, s.repository("api"), nobody{})
	require.ErrorIs(t, err, context.Canceled)
}
