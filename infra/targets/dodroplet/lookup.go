package dodroplet

import (
	"slices"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// look asks DigitalOcean whether the settings fit each other, and reports
// everything that does not at once.
func (d deployment) look() error {
	var v service.Violations
	ask := pulumi.Provider(d.Provider)
	s := d.settings
	region, err := digitalocean.GetRegion(d.Ctx, &digitalocean.GetRegionArgs{Slug: s.Region}, ask)
	switch {
	case err != nil:
		v.Add("digitalocean.region", "%q cannot be asked for: %s", s.Region, err)
	case !region.Available:
		v.Add("digitalocean.region", "%q takes no new Droplets", s.Region)
	case !slices.Contains(region.Sizes, s.Size):
		v.Add("digitalocean.size", "%q is not to be had in %s", s.Size, s.Region)
	}
	image, err := digitalocean.GetImage(d.Ctx, &digitalocean.GetImageArgs{Slug: &s.Image}, ask)
	switch {
	case err != nil:
		v.Add("digitalocean.image", "%q cannot be asked for: %s", s.Image, err)
	case !slices.Contains(image.Regions, s.Region):
		v.Add("digitalocean.image", "%q is not to be had in %s", s.Image, s.Region)
	}
	return v.Err()
}
