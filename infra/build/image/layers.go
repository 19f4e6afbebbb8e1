package image

import (
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// layers caches the layers that this process made last, by the SHA-256 of their
// binaries. Compressing one takes two seconds, and a plan of all stacks has the
// same binary in each cluster.
var layers = layerCache{made: map[string]func() (v1.Layer, error){}}

// maxLayers is the number of cached layers: those of two releases for two
// platforms, of about 25 MB each.
const maxLayers = 4

type layerCache struct {
	mu   sync.Mutex
	made map[string]func() (v1.Layer, error)
}

// get returns the layer of a binary. It is made once, even for concurrent
// calls.
func (c *layerCache) get(binary string, make func() (v1.Layer, error)) (v1.Layer, error) {
	c.mu.Lock()
	made, found := c.made[binary]
	if !found {
		if len(c.made) >= maxLayers {
			clear(c.made)
		}
		made = sync.OnceValues(make)
		c.made[binary] = made
	}
	c.mu.Unlock()
	return made()
}
