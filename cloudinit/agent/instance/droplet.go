package instance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Droplet is DigitalOcean's metadata service. It needs no token and has no
// credentials: Droplets have no roles ("Droplet Metadata API", Droplet
// Properties).
type Droplet struct{ service }

// NewDroplet returns the service at url, without a trailing slash. Default
// DefaultURL.
func NewDroplet(url string) *Droplet { return &Droplet{newService(url)} }

// Identity returns the Droplet's id and region.
func (d *Droplet) Identity(ctx context.Context) (Identity, error) {
	id, err := d.ask(ctx, http.MethodGet, "/metadata/v1/id", nil)
	if err != nil {
		return Identity{}, fmt.Errorf("reading the Droplet's id: %w", err)
	}
	region, err := d.ask(ctx, http.MethodGet, "/metadata/v1/region", nil)
	if err != nil {
		return Identity{}, fmt.Errorf("reading the Droplet's region: %w", err)
	}
	if id == "" || region == "" {
		return Identity{}, errors.New("reading the Droplet's identity: the metadata service names no id and region")
	}
	return Identity{ID: id, Region: region}, nil
}
