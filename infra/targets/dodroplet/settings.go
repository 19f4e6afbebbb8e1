package dodroplet

import (
	"regexp"

	"escala/infra/deploy"
	"escala/service"
)

// Settings is the section "digitalocean" of the configuration.
type Settings struct {
	// Region is DigitalOcean's name of the region. Default "fra1".
	Region string `config:"region"`
	// Size is the Droplet's. Default "s-1vcpu-1gb".
	Size string `config:"size"`
	// Image is the slug of a Debian 12 image. Default "debian-12-x64".
	Image string `config:"image"`
	// Generation is a number to raise when a new machine from the newest image is
	// wanted. Default 1.
	Generation int `config:"generation"`
	// Backups has DigitalOcean back the Droplet up, which costs a fifth more.
	// Default false: the machine holds nothing that cannot be made again.
	Backups bool `config:"backups"`
	// CIDR is the VPC's IPv4 range, from /16 to /28. Default: DigitalOcean's
	// choice.
	CIDR string `config:"cidr"`
	// Tags are put on the Droplet.
	Tags []string `config:"tags"`
}

// NewSettings returns the defaults.
func NewSettings() Settings {
	return Settings{Region: "fra1", Size: "s-1vcpu-1gb", Image: "debian-12-x64", Generation: 1}
}

var (
	slug    = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)
	tagName = regexp.MustCompile(`^[A-Za-z0-9:_-]{1,255}$`)
)

// violations are what can be known without asking DigitalOcean.
func (s Settings) violations() service.Violations {
	var v service.Violations
	if !slug.MatchString(s.Region) {
		v.Add("digitalocean.region", "%q is not a region; for example \"fra1\"", s.Region)
	}
	if !slug.MatchString(s.Size) {
		v.Add("digitalocean.size", "%q is not a Droplet's size; for example \"s-1vcpu-1gb\"", s.Size)
	}
	if !slug.MatchString(s.Image) {
		v.Add("digitalocean.image", "%q is not the slug of an image; for example \"debian-12-x64\"", s.Image)
	}
	if s.Generation < 1 {
		v.Add("digitalocean.generation", "%d is below 1", s.Generation)
	}
	if s.CIDR != "" {
		deploy.CIDRRule{Widest: 16, Narrowest: 28, Example: "10.20.0.0/20"}.Check(&v, "digitalocean.cidr", s.CIDR)
	}
	for _, tag := range s.Tags {
		if !tagName.MatchString(tag) {
			v.Add("digitalocean.tags", "%q is not a tag of letters, digits, colons, hyphens and underscores", tag)
		}
	}
	return v
}
