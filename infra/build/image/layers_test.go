package image

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func TestALayerIsMadeOnce(t *testing.T) {
	t.Parallel()
	c := layerCache{made: map[string]func() (v1.Layer, error){}}
	made := make(chan string, 100)
	get := func(binary string) error {
		_, err := c.get(binary, func() (v1.Layer, error) {
			made <- binary
			return static.NewLayer([]byte(binary), types.OCILayer), nil
		})
		return err
	}
	var group errgroup.Group
	for range 10 {
		group.Go(func() error { return get("a") })
	}
	require.NoError(t, group.Wait())
	assert.Len(t, made, 1)
	for _, binary := range []string{"b", "c", "d", "e", "a"} {
		require.NoError(t, get(binary))
		assert.LessOrEqual(t, len(c.made), maxLayers)
	}
	assert.Len(t, made, 6, "the oldest are forgotten")
}
