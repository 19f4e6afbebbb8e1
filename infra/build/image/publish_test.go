package image

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noResources are mocks for a program that registers nothing.
type noResources struct{}

func (noResources) NewResource(pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "", nil, errors.New("publishing registers no resource")
}

func (noResources) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, errors.New("publishing calls no function")
}

// published runs a program that publishes, and returns the resolved reference.
func published(t *testing.T, preview bool, img *Image, repository func() pulumi.StringInput, credentials Credentials) (value any, secret, known bool, err error) {
	t.Helper()
	var mu sync.Mutex
	err = pulumi.RunErr(func(ctx *pulumi.Context) error {
		out := Publish(ctx, img, repository(), credentials)
		result, err := internals.UnsafeAwaitOutput(context.Background(), out)
		mu.Lock()
		defer mu.Unlock()
		value, secret, known = result.Value, result.Secret, result.Known
		return err
	}, pulumi.WithMocks("escala", "test", noResources{}), func(info *pulumi.RunInfo) { info.DryRun = preview })
	mu.Lock()
	defer mu.Unlock()
	return value, secret, known, err
}

// secretOf returns a secret output, such as a provider's password.
func secretOf(s string) pulumi.StringInput {
	return pulumi.ToSecret(pulumi.String(s)).(pulumi.StringOutput)
}

func TestPublishPushesInAnUpdateOnly(t *testing.T) {
	s := serveRegistry(t, login("AWS", "open sesame"))
	repository := func() pulumi.StringInput { return pulumi.String(s.repository("api")) }
	credentials := Credentials{Username: pulumi.String("AWS"), Password: secretOf("open sesame")}
	img := built(t, args(t))
	want := s.repository("api") + "@" + img.Digest()

	value, secret, known, err := published(t, true, img, repository, credentials)
	require.NoError(t, err)
	assert.Equal(t, want, value)
	assert.True(t, known)
	assert.False(t, secret)
	assert.Empty(t, s.requests, "a preview asked the registry")

	value, secret, known, err = published(t, false, img, repository, credentials)
	require.NoError(t, err)
	assert.Equal(t, want, value)
	assert.True(t, known)
	assert.False(t, secret, "the reference of an image is not a secret")
	assert.NotEmpty(t, s.writes())

	config := `{"auths":{"` + s.host + `":{"username":"AWS","password":"open sesame"}}}`
	_, _, _, err = published(t, false, img, repository, Credentials{DockerConfig: secretOf(config)})
	require.NoError(t, err)
	assert.Empty(t, s.writes(), "it was there already")
}

func TestPublishFailsTheUpdateWhenThePushFails(t *testing.T) {
	s := serveRegistry(t, login("AWS", "open sesame"))
	repository := func() pulumi.StringInput { return pulumi.String(s.repository("api")) }
	_, _, _, err := published(t, false, built(t, args(t)), repository, Credentials{Username: pulumi.String("AWS"), Password: secretOf("guessed")})
	require.ErrorContains(t, err, "docker login")
	_, _, _, err = published(t, false, built(t, args(t)), repository, Credentials{Username: pulumi.String("AWS")})
	require.ErrorContains(t, err, "logging in to push the image: the login to "+s.repository("api")+" has no user name or no password")
}

func TestThePreviewOfANewRepositoryKnowsNoReference(t *testing.T) {
	var known bool
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		unknown := pulumi.UnsafeUnknownOutput(nil).ApplyT(func(v any) string { return v.(string) }).(pulumi.StringOutput)
		result, err := internals.UnsafeAwaitOutput(context.Background(), Publish(ctx, built(t, args(t)), unknown, Credentials{}))
		known = result.Known
		return err
	}, pulumi.WithMocks("escala", "test", noResources{}), func(info *pulumi.RunInfo) { info.DryRun = true })
	require.NoError(t, err)
	assert.False(t, known)
}
